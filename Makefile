# make help lists what there is.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
TORCH  := $(shell sed -n 's/^torch==/torch==/p' requirements.txt)

LESSONS ?= notebooks exercises/source

.DEFAULT_GOAL := help
.PHONY: help install dev course lab demo test test-grading test-browser unit lessons lint refresh exercises badges lock clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' Makefile | awk -F'|' '{printf "%-14s %s\n", $$1, $$2}'

install: $(VENV)/.installed ## make .venv with what the course needs (TORCH_INDEX=URL takes torch from there)

$(VENV)/.installed: requirements.txt constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	  || { echo "Python 3.11, 3.12 or 3.13 is needed; this is $$($(PYTHON) --version). Try: make install PYTHON=python3.11"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing (a few minutes the first time; about 2 GB) ..."
	@$(BIN)/python -m pip install --quiet $(TORCH) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
	@$(BIN)/python -m pip install --quiet -r requirements.txt
	@$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --editable '.[dev,grading,onnx]' -c constraints.txt
	@touch $@

dev: $(VENV)/.dev ## the same, with the developers' tools

course: install ## run all lessons in order (FRESH=1 starts over)
	@$(BIN)/python -m sentiment_kit course $(if $(filter 1,$(FRESH)),--fresh)

lab: install ## open the lessons in JupyterLab
	@$(BIN)/jupyter lab notebooks/00_start_here.ipynb

demo: install ## try your model on a web page, on this computer only (MODEL=DIR PORT=N)
	@$(BIN)/python -m pip install --quiet --editable '.[demo]' -c constraints.txt
	@$(BIN)/python -m sentiment_kit demo $(if $(MODEL),--model '$(MODEL)') $(if $(PORT),--port $(PORT))

unit: dev ## the tests that run no lesson (five minutes)
	@$(BIN)/python -m pytest -n 2 --doctest-modules sentiment_kit tests

lessons: dev ## committed lessons and solved exercises under nbval, strict, in an empty runs folder (LESSONS=notebooks/02_… for one)
	@$(BIN)/python -m pytest -x -p tests.lessons_plugin --nbval --nbval-current-env \
	  --nbval-sanitize-with tests/nbval.cfg --nbval-cell-timeout 1800 $(LESSONS)

test: lint unit lessons ## everything: lint, unit tests, doctests, lessons

test-grading: dev ## the grader against its whole bank of answers, noise and attacks
	@$(BIN)/python -m pytest -m "bank or not bank" tests/grading

test-browser: dev ## the demo page and a lesson in JupyterLab, in a real browser (needs chromium)
	@$(BIN)/python -m pip install --quiet --editable '.[demo,browser]' -c constraints.txt
	@$(BIN)/python -m pytest -m browser tests/browser

lint: dev ## style of code and notebooks
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

refresh: dev ## run the lessons and write their outputs back into notebooks/
	@$(BIN)/python tests/refresh.py

exercises: dev ## run the exercises' sources, store their outputs, make exercises/release and exercises/solutions
	@$(BIN)/python tests/refresh.py --exercises

badges: dev ## stamp the link to Colab and the set-up cell into lessons and exercises (REPO=owner/name sets the address)
	@$(BIN)/python -m tests.badges $(REPO)

lock: install ## write constraints.txt from what is installed
	@$(BIN)/python -m pip freeze --all --exclude-editable | grep -v '^pip==' | sed 's/+cpu$$//' | grep -v ' @ ' > constraints.txt

clean: ## remove .venv (runs/ stays)
	rm -rf $(VENV)
