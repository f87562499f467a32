# make help lists what there is.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
TORCH  := $(shell sed -n 's/^torch==/torch==/p' requirements.txt)

LESSONS ?= notebooks exercises/source
NBVAL  := -m pytest -x -p tests.lessons_plugin --nbval --nbval-current-env \
	  --nbval-sanitize-with tests/nbval.cfg --nbval-cell-timeout 1800
FLOOR  := .venv-floor

.DEFAULT_GOAL := help
.PHONY: help install dev course lab demo test test-grading test-browser test-floor unit unit-floor lessons lessons-gpu lint refresh
.PHONY: readme-table site exercises badges lock clean

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
	@$(BIN)/jupyter lab --ServerApp.root_dir='$(CURDIR)' notebooks/00_start_here.ipynb

demo: install ## try your model on a web page, on this computer only (MODEL=DIR PORT=N)
	@$(BIN)/python -m pip install --quiet --editable '.[demo]' -c constraints.txt
	@$(BIN)/python -m sentiment_kit demo $(if $(MODEL),--model '$(MODEL)') $(if $(PORT),--port $(PORT))

unit: dev ## the tests that run no lesson (eight minutes)
	@$(BIN)/python -m pytest -n 2 --doctest-modules sentiment_kit tests

lessons: dev ## committed lessons and solved exercises under nbval, strict, in an empty runs folder (LESSONS=notebooks/02_… for one)
	@$(BIN)/python $(NBVAL) $(LESSONS)

lessons-gpu: dev ## the lessons under the profile gpu, on a tiny encoder and sixty rows, not compared (two minutes)
	@$(BIN)/python -m pytest -m lessons_gpu tests/test_lessons_gpu.py

test: lint unit lessons lessons-gpu ## everything: lint, unit tests, doctests, lessons

$(FLOOR)/.installed: constraints-floor.txt pyproject.toml
	@test -x $(FLOOR)/bin/python || $(PYTHON) -m venv $(FLOOR)
	@echo "Installing the lowest supported versions (a few minutes) ..."
	@$(FLOOR)/bin/python -m pip install --quiet $(TORCH) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
	@$(FLOOR)/bin/python -m pip install --quiet --editable '.[dev,grading,onnx]' -c constraints-floor.txt
	@touch $@

unit-floor: $(FLOOR)/.installed ## the unit tests with the lowest supported versions, without the grader's
	@$(FLOOR)/bin/python -m pytest -n 2 --doctest-modules sentiment_kit tests --ignore tests/grading

test-floor: unit-floor ## the same, and the lessons with those versions
	@$(FLOOR)/bin/python $(NBVAL) notebooks

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

readme-table: install ## stamp seconds and memory of the last `make course` into README.md and docs/instructors.md
	@$(BIN)/python benchmarks/readme_table.py

site: install ## the course as web pages in build/site, which ask no other computer for anything
	@$(BIN)/python -m pip install --quiet --editable '.[site]' -c constraints.txt
	@rm -rf build/site build/doctrees
	@$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going -c docs -d build/doctrees . build/site
	@echo "Open build/site/index.html"

exercises: dev ## run the exercises' sources, store their outputs, make exercises/release and exercises/solutions
	@$(BIN)/python tests/refresh.py --exercises

badges: dev ## stamp the link to Colab and the set-up cell into lessons and exercises (REPO=owner/name sets the address)
	@$(BIN)/python -m tests.badges $(REPO)

lock: install ## write constraints.txt from what is installed
	@$(BIN)/python -m pip freeze --all --exclude-editable | grep -v '^pip==' | sed 's/+cpu$$//' | grep -v ' @ ' > constraints.txt

clean: ## remove .venv and .venv-floor (runs/ stays)
	rm -rf $(VENV) $(FLOOR)
