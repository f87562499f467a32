"""The command ``sentiment-kit``: parses, calls, prints. Bad input ends in one line and exit code 2."""

import argparse
import contextlib
import logging
import math
import os
import re
import select
import sys
from collections.abc import Sequence
from pathlib import Path


def _positive(kind: type) -> object:
    def parse(text: str) -> float:
        value = kind(text)
        if not 0 < value < math.inf:
            raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
        return value

    parse.__name__ = f"positive {kind.__name__}"
    return parse


def _seed(text: str) -> int:
    if not text.isdigit() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"the seed {text} is not a whole number from 0 to {2**32 - 1}")
    return int(text)


def _labels(text: str) -> tuple[str, ...]:
    from sentiment_kit import labels

    try:
        return labels.parse_names(text)
    except ValueError as error:  # whose words argparse would leave out
        raise argparse.ArgumentTypeError(str(error)) from error


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port from 1 to 65535")
    return int(text)


def _shard(text: str) -> tuple[int, int]:
    number, slash, count = text.partition("/")
    if slash and number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count):
        return int(number), int(count)
    raise argparse.ArgumentTypeError(f"{text} is not like 2/8 (the second of eight)")


def _folder(text: str) -> Path:
    if not Path(text).expanduser().is_dir():
        raise argparse.ArgumentTypeError(f"{text} is no folder")
    return Path(text).expanduser().resolve()


def _course(args: argparse.Namespace) -> None:
    asked = {"SENTIMENT_KIT_ENCODER": args.checkpoint, "SENTIMENT_KIT_DATA": args.data}
    given = {name: str(folder) for name, folder in asked.items() if folder}
    os.environ.update(given)  # the lessons' kernels inherit them
    from sentiment_kit import course

    if args.only:
        ran = course.run_lesson(args.only)
        print(f"{args.only}: {'done' if ran else 'nothing to do'}")
        return
    print_course_summary(course.run(fresh=args.fresh, tell=print))
    for name, folder in given.items():
        print(f"Set {name}={folder} first: without it, a lesson begins a run of its own.")


def _load_classifier(folder: Path, **settings: float) -> object:
    import transformers

    from sentiment_kit.inference import SentimentClassifier

    transformers.logging.disable_progress_bar()  # loading takes a second
    return SentimentClassifier.from_folder(folder, **settings)


def print_course_summary(summary: dict) -> None:
    """Prints the closing table of ``sentiment-kit course``: times, scores, where the model lies, three predictions.

    Args:
        summary: What ``course.run`` returned.
    """
    from sentiment_kit import course

    print(f"\n{'lesson':<20}{'seconds':>9}{'peak MB':>9}")
    for lesson in summary["lessons"]:
        note = "  (skipped: measured earlier)" if lesson["skipped"] else ""
        print(f"{lesson['name']:<20}{lesson['seconds']:>9.1f}{lesson['peak_memory_mb']:>9}{note}")
    print(f"{'all lessons':<20}{sum(lesson['seconds'] for lesson in summary['lessons']):>9.1f}")
    print(f"\n{'':<20}{'validation':>22}{'hold-out':>22}")
    print(f"{'':<20}{'accuracy':>11}{'macro-F1':>11}{'accuracy':>11}{'macro-F1':>11}")
    for system in summary["scores"]["validation"]:
        row = [summary["scores"][split][system] for split in ("validation", "holdout")]
        print(f"{system:<20}" + "".join(f"{one[name]:>11.3f}" for one in row for name in ("accuracy", "macro_f1")))
    model_dir = course.run_folder() / summary["model_dir"]
    print(f"\nYour model: {model_dir}\nThree new reviews:")
    reviews = [
        "A funny, big-hearted film with not one dull scene.",
        "Two hours of people explaining the plot to each other.",
        "The first half is splendid and the second throws it all away.",
    ]
    for prediction in _load_classifier(model_dir, threshold=0.0).predict(reviews):
        print(f"  {prediction.label:<9} {prediction.probability:.2f}  {prediction.text}")
    print("\nNow open the lessons and work through them: make lab")


def _doctor(args: argparse.Namespace) -> int:
    try:
        from sentiment_kit import doctor
    except ModuleNotFoundError as error:
        print(f"NOT  packages   {error.name} is not installed\n     → run `pip install -r requirements.txt`")
        return 1

    checks = doctor.examine()
    for check in checks:
        print(f"{'ok ' if check.ok else 'NOT'}  {check.name:<11}{check.found}")
        if not check.ok:
            print(f"     → {check.remedy}")
    good = all(check.ok for check in checks)
    print("This machine can run the course." if good else "Mend the lines marked NOT, from the top, then try again.")
    return 0 if good else 1


def _read(args: argparse.Namespace, path: Path, labels: Sequence[str]) -> object:
    from sentiment_kit import data

    return data.read_reviews(
        path,
        text_column=args.text_column,
        label_column=args.label_column,
        labels=labels,
        five_point=args.five_to_three,
    )


def _tell_labels(path: Path, reviews: object, *, absence: str = "in macro-F1 that counts as 0") -> None:
    """Says how many texts have which label: a file whose 1 meant positive would else be read as neutral in silence."""
    names, found = reviews.features["label"].names, list(reviews["label"])
    print(f"{path}: " + ", ".join(f"{name} {found.count(index)}" for index, name in enumerate(names)))
    absent = [name for index, name in enumerate(names) if index not in found]
    if absent:
        ids = ", ".join(f"{index} {name}" for index, name in enumerate(names))
        told = f"  none is {' or '.join(absent)}: {absence}. Labels that are numbers were read as {ids}"
        print(told, file=sys.stderr)


def _train(args: argparse.Namespace) -> None:
    from sentiment_kit import profiles
    from sentiment_kit.labels import LABELS

    profiles.active()  # a wrong setting is told first
    labels = args.labels or LABELS
    try:
        train, validation = (_read(args, path, labels) for path in (args.train, args.validation))
    except ValueError as error:
        if args.labels or "unknown label" not in str(error):
            raise
        raise ValueError(f"{error}; labels of another task: --labels NAME,NAME") from error
    main_process = os.environ.get("RANK", "0") == "0"  # of several, one speaks
    if main_process:
        _tell_labels(args.train, train, absence="it cannot be learned")
        _tell_labels(args.validation, validation)
    from sentiment_kit import training

    scores = training.train_from_files(
        train=train,
        validation=validation,
        output=args.output,
        checkpoint=args.checkpoint,
        epochs=args.epochs,
        learning_rate=args.learning_rate,
        batch_size=args.batch_size,
        half_precision=args.half_precision,
        seed=args.seed,
        labels=labels,
        resume=args.resume,
    )
    if main_process:
        print(f"validation: accuracy {scores['accuracy']:.3f}, macro-F1 {scores['macro_f1']:.3f}")
        print(f"model: {args.output}")


def _evaluate(args: argparse.Namespace) -> None:
    from sentiment_kit import evaluation, files
    from sentiment_kit.labels import LABELS

    classifier = _load_classifier(args.model)
    # Models from elsewhere number the three as they like; here they are counted, and read as ids, in one order.
    names = list(LABELS) if sorted(classifier.labels) == sorted(LABELS) else classifier.labels
    reviews = _read(args, args.data, names)
    _tell_labels(args.data, reviews)
    best = classifier.probabilities(list(reviews["text"])).argmax(axis=1)
    predicted = [names.index(classifier.labels[index]) for index in best]
    report = evaluation.report(gold=list(reviews["label"]), predicted=predicted, labels=names)
    print(f"reviews   {report['reviews']}")
    print(f"accuracy  {report['accuracy']:.3f}")
    print(f"macro-F1  {report['macro_f1']:.3f}")
    wide = max(10, 2 + max(map(len, names)))
    for name, value in report["per_class_f1"].items():
        print(f"  F1 {name:<{wide}}{value:.3f}")
    print("confusion matrix (gold in rows, predicted in columns)")
    print(f"{'':<{wide + 2}}" + "".join(f"{name:>{wide}}" for name in report["labels"]))
    for name, row in zip(report["labels"], report["confusion_matrix"], strict=True):
        print(f"{name:<{wide + 2}}" + "".join(f"{count:>{wide}}" for count in row))
    if args.json:
        files.write_json(args.json, report)


def _predict(args: argparse.Namespace) -> None:
    classifier = _load_classifier(
        args.model, threshold=args.threshold, engine=args.engine, half_precision=args.half_precision
    )
    if args.threshold is None and classifier.threshold:
        print(
            f"below {classifier.threshold:.2f} the answer is 'not sure', as the model's calibration.json says; "
            "--threshold 0 always answers",
            file=sys.stderr,
        )
    if args.input:
        report = classifier.predict_file(
            sys.stdin.buffer if str(args.input) == "-" else args.input,
            args.output,
            text_column=args.text_column,
            format=args.input_format,
            shard=args.shard,
            resume=args.resume,
            quiet=False,
        )
        print(f"{report.predicted} rows labeled: {args.output}")
        if report.rejected:
            print(f"{report.rejected} rows set aside: {report.rejected_path} (the first: {report.first_problem})")
    else:
        for prediction in classifier.predict(args.text):
            shares = "  ".join(f"{name} {value:.3f}" for name, value in prediction.probabilities.items())
            print(f"{prediction.label}  ({shares})  {prediction.text}")
    if classifier.at_limit:
        limit = classifier.tokenizer.model_max_length
        print(f"texts of {limit} tokens or more: {classifier.at_limit}; only so many are read", file=sys.stderr)


def _check_texts(args: argparse.Namespace, labels: Sequence[str]) -> list[str]:
    """The texts on which a model in 8 bits is held against the one in 32."""
    from sentiment_kit import data, profiles
    from sentiment_kit.labels import LABELS

    if not args.int8:
        return []
    if args.validation:
        return data.read_texts(args.validation, text_column=args.text_column)
    if sorted(labels) != sorted(LABELS):
        raise ValueError(
            f"{args.model}: 8 bits are checked on movie reviews, but this model tells {', '.join(labels)}: "
            "give --validation FILE with texts of its own kind"
        )
    return data.read_texts(profiles.bundled("data", "reviews", "validation.jsonl"))


def _export(args: argparse.Namespace) -> None:
    from sentiment_kit import export, models

    models.check_output(args.output)
    if (args.output / "model.safetensors").exists():
        raise ValueError(f"{args.output}: a trained model is there: give a new folder")
    classifier = _load_classifier(args.model)
    texts = _check_texts(args, classifier.labels)
    along = [path] if (path := args.model / models.CALIBRATION_FILE).exists() else []
    export.to_onnx(classifier.model, classifier.tokenizer, args.output, int8=args.int8, texts=texts, along=along)
    size = (args.output / export.MODEL_FILE).stat().st_size
    print(f"{args.output}: {size / 1e6:.0f} MB; use it with: sentiment-kit predict --engine onnx --model {args.output}")


def _demo(args: argparse.Namespace) -> None:
    os.environ["HF_HUB_OFFLINE"] = "1"  # read once, when transformers is imported
    from sentiment_kit import course

    folder = args.model or course.run_folder() / "model"
    if not args.model and not folder.is_dir():
        raise ValueError(f"{folder}: no model here yet: run `make course` first, or give --model DIR")
    import transformers

    from sentiment_kit import demo

    transformers.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()  # that the generic model's head is untrained is the point
    try:
        demo.serve(folder, port=args.port, tell=lambda url: print(f"{url} (Ctrl+C ends it)", flush=True))
    except KeyboardInterrupt:  # the usual way to end it
        print("\nclosed")


def _card(args: argparse.Namespace) -> None:
    from sentiment_kit import card, course

    print(card.write(args.run_folder or course.run_folder()))


# ---------------------------------------------------------------- grading


def _grade(args: argparse.Namespace) -> int:
    from sentiment_kit.grading import grade, intake, pool, report

    roster = str(args.roster.resolve()) if args.roster else None
    told = next(iter(intake.read_roster_rows(roster).values()), {}) if roster and args.columns else {}
    columns = report.parse_columns(args.columns, [name for name in told if name]) if args.columns else {}
    settings = grade.Settings(_bank(args), args.course_seed, roster, columns)
    effort = pool.Effort(
        workers=args.workers,
        seconds=args.seconds,
        submission_seconds=args.submission_seconds,
        sandboxed=not args.unsafe_no_sandbox,
        regrade=args.regrade,
    )
    rows, aside = grade.grade(
        args.submissions, args.out, settings, effort=effort, exercise=args.exercise, pattern=args.pattern
    )
    print_grading_summary(args.out, rows, aside)
    return 0


def print_grading_summary(out: Path, rows: Sequence[object], aside: Sequence[tuple[str, str]]) -> None:
    """Prints the closing lines of ``sentiment-kit grade``: how many of each status, what to look at, what comes next.

    Args:
        out: The output folder.
        rows: Those of ``grades.csv``.
        aside: Files that belong to nobody, with the reason.
    """
    from sentiment_kit.grading.rebuild import ANOTHER_SEED

    counts: dict[str, int] = {}
    for row in rows:
        counts[row.status] = counts.get(row.status, 0) + 1
    print(f"{len(rows)} rows: " + ", ".join(f"{number} {status}" for status, number in sorted(counts.items())))
    for row in rows:
        if row.status not in ("graded", "needs_manual"):
            print(f"  {row.status:<11}{row.student}, {row.exercise}: {row.message[:120]!r}")
    if others := sum(ANOTHER_SEED in row.message for row in rows):
        print(f"  from another course seed (see grades.csv): {others} of {len(rows)}; is --course-seed right?")
    for name, why in aside:
        print(f"  set aside  {name[:100]!r}: {why}")
    print(f"{out / 'grades.csv'}, {out / 'report.html'}, {out / 'feedback'}")
    for exercise in sorted({row.exercise for row in rows if row.needs_manual}):
        print(f"to mark by hand: sentiment-kit grade manual --exercise {exercise} --out {out}")


def _bank(args: argparse.Namespace) -> str | None:
    return str(args.source.resolve()) if args.source else None


def _grade_manual(args: argparse.Namespace) -> None:
    from sentiment_kit.grading import grade, manual

    with grade.opened(args.out) as run:
        if args.csv:
            taken, rejected = manual.take_table(run, args.csv)
            print(f"{taken} marks taken")
            for row in rejected:
                print(f"  row {row.row} not taken: {row.reason}")
        elif args.exercise:
            with contextlib.suppress(EOFError):  # Ctrl+D stops, like q
                _walk(run, manual.waiting(run, args.exercise, every=args.all))
        else:
            raise ValueError("give --exercise to walk through its answers, or --csv FILE with marks")
        run.refresh_feedback()
        rows = run.write()
    print_grading_summary(args.out, rows, [])


def _walk(run: object, answers: Sequence[object]) -> None:
    """Shows one answer after the other beside its mark scheme and asks for a mark; each is kept at once."""
    from sentiment_kit.grading.manual import side_by_side

    for number, one in enumerate(answers, start=1):
        print(f"\n{'=' * 100}\n{number} of {len(answers)}: {one.submission.student.name}, {one.task.title}\n")
        print(f"{one.question}\n")
        print(side_by_side("THE ANSWER", one.answer, "HOW IT IS MARKED", one.scheme))
        while True:
            told = f" (was {one.mark:g})" if one.mark is not None else ""
            given = input(f"\npoints, 0 to {one.task.points:g}{told}; Enter: later; q: stop > ").strip()
            if given in ("", "q"):
                break
            exercise, student = run.exercises[one.submission.exercise], one.submission.student
            try:
                run.book.set_mark(exercise, student, one.task, float(given))
            except ValueError as error:
                print(error)
                continue
            if comment := input("a comment for the student; Enter: none > ").strip():
                run.book.set_comment(exercise.name, student, one.task, comment)
            break
        if given == "q":
            return
    print("\nthat was the last" if answers else "nothing waits for a mark")


def _grade_release(args: argparse.Namespace) -> None:
    from sentiment_kit.grading import authoring, grade

    for one in grade.load_exercises(_bank(args), args.course_seed).values():
        print(authoring.write_release(one, args.out))


def _add_bank(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--source", type=Path, metavar="DIR", help="a bank of your own (default: the kit's exercises)")
    parser.add_argument("--course-seed", type=_seed, default=0, metavar="N", help="what tests draw from (default: 0)")


def _add_grade(commands: "argparse._SubParsersAction") -> None:
    grade = commands.add_parser(
        "grade",
        help="grade exercises (needs the extra 'grading')",
        description="Grades a folder or zip of submissions. See also: grade manual, grade release.",
    )
    grade.add_argument("submissions", type=Path, help="a folder or a zip, as an LMS lets you download it")
    grade.add_argument("--out", type=Path, required=True, metavar="DIR", help="for grades, feedback and report")
    grade.add_argument("--exercise", metavar="NAME", help="only this one, such as ex03")
    _add_bank(grade)
    grade.add_argument("--roster", type=Path, metavar="FILE", help="CSV of the students (student, id): who is missing?")
    grade.add_argument("--pattern", metavar="REGEX", help="how a path names its student: (?P<student>...)")
    grade.add_argument(
        "--columns", metavar="MAP", help="also write import_ex03.csv: 'Student=student,Exercise 3=score'"
    )
    grade.add_argument("--workers", type=_positive(int), default=2, metavar="N", help="at a time (default: 2)")
    grade.add_argument("--seconds", type=_positive(float), default=20.0, metavar="S", help="for one call (default: 20)")
    grade.add_argument(
        "--submission-seconds", type=_positive(float), default=600.0, metavar="S", help="for one file (default: 600)"
    )
    grade.add_argument("--regrade", action="store_true", help="run again what was graded already")
    grade.add_argument("--unsafe-no-sandbox", action="store_true", help="run students' code with your own rights")
    grade.set_defaults(run=_grade)

    by_hand = commands.add_parser("grade-manual", help="mark by hand: the same as 'grade manual'")
    by_hand.add_argument("--out", type=Path, required=True, metavar="DIR", help="where 'grade' wrote to")
    by_hand.add_argument("--exercise", metavar="NAME", help="walk through its written answers, such as ex03")
    by_hand.add_argument("--all", action="store_true", help="those that have a mark, too")
    by_hand.add_argument(
        "--csv", type=Path, metavar="FILE", help="take marks from: student,exercise,task,score,comment"
    )
    by_hand.set_defaults(run=_grade_manual)

    release = commands.add_parser("grade-release", help="make what students get: the same as 'grade release'")
    release.add_argument("--out", type=Path, required=True, metavar="DIR", help="for one folder per exercise")
    _add_bank(release)
    release.set_defaults(run=_grade_release)


def _add_columns(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--text-column", default="text", help="the column with the texts (default: text)")
    parser.add_argument("--label-column", default="label", help="the column with the labels (default: label)")
    parser.add_argument(
        "--five-to-three",
        action="store_true",
        help="the labels are ratings 0 (worst) to 4 (best): map to three",
    )


def _add_half_precision(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--half-precision", action="store_true", help="compute in 16 bits if that is faster here")


def _add_train(commands: "argparse._SubParsersAction") -> None:
    train = commands.add_parser("train", help="fine-tune on your own labeled texts")
    train.add_argument("--train", type=Path, required=True, metavar="FILE", help=".csv, .jsonl or .parquet")
    train.add_argument("--validation", type=Path, required=True, metavar="FILE", help="reviews to evaluate on")
    train.add_argument("--output", type=Path, required=True, metavar="DIR", help="the folder for the model")
    train.add_argument(
        "--labels", type=_labels, metavar="NAMES", help="of another task: booking,damage,… (default: the sentiments)"
    )
    train.add_argument("--checkpoint", help="folder or Hub name of the encoder (default: the profile's)")
    train.add_argument("--epochs", type=_positive(float), help="passes over the training reviews")
    train.add_argument("--learning-rate", type=_positive(float), help="the largest step size, such as 1e-4")
    train.add_argument("--batch-size", type=_positive(int), help="reviews in one step")
    _add_half_precision(train)
    train.add_argument("--seed", type=_seed, default=42, help="default: 42")
    train.add_argument("--resume", action="store_true", help="go on from the last checkpoint of a run that was stopped")
    _add_columns(train)
    train.set_defaults(run=_train)


def _add_evaluate(commands: "argparse._SubParsersAction") -> None:
    evaluate = commands.add_parser("evaluate", help="score a model on labeled reviews")
    evaluate.add_argument("--model", type=Path, required=True, metavar="DIR", help="a fine-tuned model")
    evaluate.add_argument("--data", type=Path, required=True, metavar="FILE", help=".csv, .jsonl or .parquet")
    evaluate.add_argument("--json", type=Path, metavar="FILE", help="write the figures here as well")
    _add_columns(evaluate)
    evaluate.set_defaults(run=_evaluate)


def _add_predict(commands: "argparse._SubParsersAction") -> None:
    predict = commands.add_parser("predict", help="label new texts")
    predict.add_argument("--model", type=Path, required=True, metavar="DIR", help="a fine-tuned model")
    predict.add_argument("text", nargs="*", help="one text or several, each in quotes")
    predict.add_argument("--input", type=Path, metavar="FILE", help="label every row of this file instead; -: stdin")
    predict.add_argument("--output", type=Path, metavar="FILE", help="where to (.csv or .jsonl), with --input")
    predict.add_argument("--text-column", default="text", help="the column with the texts (default: text)")
    predict.add_argument(
        "--threshold", type=float, help="below this probability say 'not sure' (default: the model's calibration.json)"
    )
    predict.add_argument("--engine", choices=("torch", "onnx"), default="torch", help="onnx: for an exported model")
    _add_half_precision(predict)
    many = predict.add_argument_group("with --input")
    many.add_argument(
        "--input-format",
        choices=("csv", "jsonl", "txt"),
        help="default: by the ending; of stdin a text in each line",
    )
    many.add_argument("--resume", action="store_true", help="go on where an earlier run was stopped")
    many.add_argument(
        "--shard", type=_shard, default=(1, 1), metavar="I/N", help="label only share I of N, such as 2/8"
    )
    predict.set_defaults(run=_predict)


def _add_export(commands: "argparse._SubParsersAction") -> None:
    export = commands.add_parser("export", help="write a model in a format that runs without torch")
    export.add_argument("--model", type=Path, required=True, metavar="DIR", help="a fine-tuned model")
    export.add_argument("--output", type=Path, required=True, metavar="DIR", help="a folder for the exported one")
    export.add_argument("--format", choices=("onnx",), default="onnx", help="default: onnx")
    export.add_argument("--int8", action="store_true", help="weights in 8 bits: smaller, faster, not quite the same")
    export.add_argument(
        "--validation", type=Path, metavar="FILE", help="texts that --int8 is checked on (default: movie reviews)"
    )
    export.add_argument("--text-column", default="text", help="the column with those texts (default: text)")
    export.set_defaults(run=_export)


def _add_demo(commands: "argparse._SubParsersAction") -> None:
    demo = commands.add_parser("demo", help="try a model on a web page (needs the extra 'demo')")
    demo.add_argument("--model", type=Path, metavar="DIR", help="a fine-tuned model (default: the course's)")
    demo.add_argument("--port", type=_port, default=7860, metavar="N", help="on this computer (default: 7860)")
    demo.set_defaults(run=_demo)


def _add_card(commands: "argparse._SubParsersAction") -> None:
    card = commands.add_parser("card", help="write the model card of a course run into its model's folder")
    card.add_argument("--run", dest="run_folder", type=Path, metavar="DIR", help="default: runs/latest")
    card.set_defaults(run=_card)


def build_parser() -> argparse.ArgumentParser:
    """Builds the parser of ``sentiment-kit``."""
    parser = argparse.ArgumentParser(
        prog="sentiment-kit",
        description="Adapt BERT to the sentiment of movie reviews, and use what comes out.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    course = commands.add_parser("course", help="run all lessons in order; finished ones are skipped")
    course.add_argument("--fresh", action="store_true", help="start over: throw the current run away")
    course.add_argument("--only", metavar="LESSON", help="run one lesson, such as 03_fine_tune")
    course.add_argument("--checkpoint", type=_folder, metavar="DIR", help="an encoder of your own")
    course.add_argument("--data", type=_folder, metavar="DIR", help="train.jsonl, dev.jsonl, test.jsonl, rated 0 to 4")
    course.set_defaults(run=_course)

    doctor = commands.add_parser("doctor", help="can this machine run the course?")
    doctor.set_defaults(run=_doctor)

    _add_train(commands)
    _add_evaluate(commands)
    _add_predict(commands)
    _add_export(commands)
    _add_card(commands)
    _add_demo(commands)
    _add_grade(commands)
    return parser


def _nobody_reads_on() -> bool:
    """Whether it is standard output whose pipe broke, as with `| head`, and not a pipe to some other process."""
    if not hasattr(select, "poll"):  # Windows, which raises another error in that case
        return False
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    broken = any(event & select.POLLERR for _, event in poll.poll(0))
    if broken:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it closes stdout
    return broken


def _names_file(text: str) -> bool:
    return os.path.isfile(text) or bool(re.fullmatch(r"\S+\.(csv|jsonl|parquet|txt)", text))


def _check_together(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Ends with the usage if arguments do not go together."""
    if args.command == "export" and args.validation and not args.int8:
        parser.error("export: --validation goes with --int8")
    if args.command != "predict":
        return
    if bool(args.text) == bool(args.input):
        parser.error("predict: give one or more texts in quotes, or --input FILE")
    if args.input and not args.output:
        parser.error("predict: --input needs --output FILE")
    if args.output and not args.input:
        parser.error("predict: --output goes with --input FILE")
    if not args.input and (args.resume or args.input_format or args.shard != (1, 1)):
        parser.error("predict: --resume, --shard and --input-format go with --input FILE")
    if path := next(filter(_names_file, args.text), None):
        parser.error(f"predict: {path} is a file's name: to label its rows, give --input {path} --output FILE")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        argv: The arguments; those of the process if left out.

    Returns:
        The exit code: 0, 1 (a lesson or a check failed), 2 (bad input), 130 (interrupted).
    """
    parser = build_parser()
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:2] in (["grade", "manual"], ["grade", "release"]):
        words[:2] = ["-".join(words[:2])]
    args = parser.parse_args(words)
    _check_together(parser, args)
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    try:
        code = args.run(args) or 0
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        more = {"course": "", "grade": "", "train": " with --resume", "predict": " with --resume"}.get(args.command)
        hint = f"; the same `sentiment-kit {args.command}`{more} goes on where it was" if more is not None else ""
        print(f"\nstopped{hint}", file=sys.stderr)
        return 130
    except ModuleNotFoundError as error:
        if error.name != "nbgrader":
            raise
        print("grading needs nbgrader: in the kit's folder, `make dev` or pip install -e '.[grading]'", file=sys.stderr)
        return 2
    except (ValueError, FloatingPointError, OSError, RuntimeError) as error:
        if isinstance(error, BrokenPipeError) and _nobody_reads_on():
            return 0
        message = str(error)
        if "\n" in message:  # ours are one line; anything else is a defect and shows its traceback
            raise
        print(f"sentiment-kit {args.command}: {message}", file=sys.stderr)
        return 1 if type(error).__name__ == "LessonError" else 2


if __name__ == "__main__":  # for `accelerate launch -m sentiment_kit.cli …`
    sys.exit(main())
