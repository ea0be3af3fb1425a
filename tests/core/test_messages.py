"""Every message that a person reads can be translated: a literal template, and parameters that are no English."""

from __future__ import annotations

import ast
import json
import pickle
import re
import string
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from studio.errors import NOTHING, BadInput, Flaw, Message, OutOfMemory, StudioError, counted, reason
from studio.library.index import DamagedIndex

ROOT = Path(__file__).resolve().parents[2]
MADE_OF = {"StudioError", "BadInput", "OutOfMemory", "Flaw", "Message"}
SHOWN = {"label", "setText", "say", "notify", "setToolTip", "setWindowTitle", "setPlaceholderText", "setAccessibleName"}
PRINTED = {"print", "print_error", "say", "write", "append"}
TEMPLATES = {"counted", "tr", "of", "disk_error", "disk_errors_as"}
"""What takes a template beside the classes above; `tr` and `count` of the window are looked at by themselves."""
HELP = {"help", "description", "epilog", "title"}
LETTERS = re.compile(r"[^\W\d_]{2}")
SENTENCE = re.compile(r"[^\W\d_]{2}[,.;:]? [^\W\d_]")
NAME = "AIGC Studio"  # the same in every language


def nodes_of(source: str) -> list[ast.AST]:
    """Every part of a module, the module itself first."""
    return list(ast.walk(ast.parse(source)))


def sources() -> dict[Path, list[ast.AST]]:
    return {path: nodes_of(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "studio").rglob("*.py"))}


def name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def messages(modules: Mapping[Path, list[ast.AST]]) -> set[str]:
    """The classes that are made of a template: those of studio.errors and all that derive from them."""
    found, before = set(MADE_OF), 0
    bases = [
        (node.name, {getattr(base, "id", getattr(base, "attr", "")) for base in node.bases}, node)
        for nodes in modules.values()
        for node in nodes
        if isinstance(node, ast.ClassDef)
    ]
    while before != len(found):
        before = len(found)
        for name, over, node in bases:
            own = any(isinstance(each, ast.FunctionDef) and each.name == "__init__" for each in node.body)
            if over & found and not own:
                found.add(name)
    return found


def put_together(node: ast.expr) -> bool:
    """Whether a text is made at run time, of parts that no translation can be looked up by."""
    if isinstance(node, ast.BoolOp):
        return any(put_together(each) for each in node.values)
    if isinstance(node, ast.Call) and name_of(node) in (*MADE_OF, "counted"):
        return False  # looked at on its own
    return any(
        isinstance(each, ast.JoinedStr)
        or (isinstance(each, ast.BinOp) and isinstance(each.op, ast.Add | ast.Mod))
        or (isinstance(each, ast.Call) and name_of(each) in ("format", "join", "str", "repr", "tr"))
        for each in ast.walk(node)
    )


def english(node: ast.expr) -> bool:
    """Whether a parameter says something in English that ought to be a Message."""
    if isinstance(node, ast.Call) and name_of(node) in (*MADE_OF, "counted", "of"):
        return False
    if isinstance(node, ast.JoinedStr):
        return any(
            isinstance(part, ast.Constant) and LETTERS.search(str(part.value).replace(NAME, "")) for part in node.values
        )
    if isinstance(node, ast.IfExp | ast.BoolOp):
        inner = [node.body, node.orelse] if isinstance(node, ast.IfExp) else node.values
        return any(english(each) for each in inner)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "join":
        return english(node.func.value)
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(LETTERS.search(node.value))


def fields(template: str) -> Iterator[str]:
    for _, field, spec, _ in string.Formatter().parse(template):
        if field is not None:
            yield field
            assert not spec or "{" not in spec


def left_in_english(nodes: list[ast.AST], made: set[str]) -> Iterator[ast.expr]:
    """The texts of the command line that are no message: sentences, what is printed, helps, the heads of tables."""
    known: set[ast.AST] = set()
    for node in nodes:
        if isinstance(node, ast.keyword) and node.arg == "metavar":
            known.add(node.value)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            statements = [each.value for each in node.body if isinstance(each, ast.Expr)]
            known |= {each for each in statements if isinstance(each, ast.Constant)}  # docstrings
        if isinstance(node, ast.Call):
            logged = getattr(getattr(node.func, "value", None), "id", "") == "logger"
            if logged or name_of(node) in made | TEMPLATES:
                known |= set(node.args)
    for node in nodes:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "REFUSALS":  # templates of argparse
            known |= set(ast.walk(node))
        if node in known:
            continue
        if isinstance(node, ast.Constant) and SENTENCE.search(str(node.value).replace(NAME, "")):
            yield node
        if isinstance(node, ast.Tuple) and len(node.elts) > 1:
            heads = [str(each.value) for each in node.elts if isinstance(each, ast.Constant)]
            if len(heads) == len(node.elts) and all(each.isalpha() and each.isupper() for each in heads):
                yield node
        if isinstance(node, ast.Call):
            texts = [each.value for each in node.keywords if each.arg in HELP]
            if name_of(node) in {*PRINTED, "add_argument_group"} - {"append"}:
                texts += node.args
            yield from (each for each in texts if english(each) and each not in known)


def faults(path: Path, nodes: list[ast.AST], made: set[str]) -> Iterator[str]:
    module = nodes[0]
    assert isinstance(module, ast.Module)
    constants = {
        target.id
        for node in module.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    if "cli" in path.parts or path.name == "__main__.py":
        made = made | {"tr"}
        for text in left_in_english(nodes, made):
            yield f"{path}:{text.lineno}: stays English: {ast.unparse(text)}"
    for node in nodes:
        if isinstance(node, ast.Attribute) and "ui" in path.parts:
            if ast.unparse(node) in ("error.message", "error.hint"):
                yield f"{path}:{node.lineno}: an error in English: {ast.unparse(node)}"
            continue
        if not isinstance(node, ast.Call):
            continue
        called = name_of(node)
        if called in made or called == "counted":
            texts = node.args[1:3] if called == "counted" else node.args[:2]
            for text in texts:
                if put_together(text):
                    yield f"{path}:{node.lineno}: a message that no translation can be found for: {ast.unparse(node)}"
            literal = [text.value for text in texts if isinstance(text, ast.Constant) and isinstance(text.value, str)]
            known = {keyword.arg for keyword in node.keywords} | ({"n"} if called == "counted" else set())
            asked = {field for text in literal for field in fields(text)}
            open_ended = None in known or any(isinstance(text, ast.Name) and text.id in constants for text in texts)
            if asked - known and None not in known:
                yield f"{path}:{node.lineno}: {asked - known} is not filled in: {ast.unparse(node)}"
            if known - asked - {"mend"} and len(literal) == len(texts) and not open_ended and called in MADE_OF:
                yield f"{path}:{node.lineno}: {known - asked - {'mend'}} is not used: {ast.unparse(node)}"
            for keyword in node.keywords:
                if keyword.arg != "mend" and english(keyword.value):
                    yield f"{path}:{node.lineno}: a parameter that stays English: {ast.unparse(keyword.value)}"
        if called in ("tr", "count") and "ui" in path.parts and isinstance(node.func, ast.Name) and node.args:
            texts = node.args[1:3] if called == "count" else node.args[:1]
            for text in texts:
                looked_up = isinstance(text, ast.Call) and name_of(text) != "get"
                if put_together(text) or looked_up:
                    yield f"{path}:{node.lineno}: translated after it is put together: {ast.unparse(node)}"
        if called in PRINTED and ("cli" in path.parts or path.name == "__main__.py"):
            for text in (each for argument in node.args for each in ast.walk(argument)):
                if isinstance(text, ast.JoinedStr) and english(text):
                    yield f"{path}:{node.lineno}: printed in English: {ast.unparse(text)}"
        if called in SHOWN and "ui" in path.parts:
            for text in node.args[:2]:
                if isinstance(text, ast.JoinedStr) and english(text):
                    yield f"{path}:{node.lineno}: shown in English: {ast.unparse(text)}"


def test_every_message_can_be_translated() -> None:
    modules = sources()
    made = messages(modules)
    assert {"DamagedCheckpoint", "DamagedClip", "DamagedWeights"} <= made
    found = [fault for path, nodes in modules.items() for fault in faults(path.relative_to(ROOT), nodes, made)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "bad",
    [
        'raise BadInput(f"{path.name} is no picture.")',
        'raise BadInput("A picture", f"Write {what}.")',
        'raise StudioError("It is " + why)',
        'raise StudioError("%s failed." % what)',
        'raise StudioError("{what} failed.".format(what=what))',
        'raise StudioError(str(error))',
        'raise StudioError("The {what} failed.")',
        'raise StudioError("It failed.", what=what)',
        'raise StudioError("{what} failed.", what="the disk" if full else name)',
        'Message("{names} are missing.", names=" and ".join(names))',
        'counted(n, "1 work", f"{n} works")',
        'tr(f"{name} is gone.")',
        'tr(str(error))',
        'tr("{name} is gone.".format(name=name))',
        'label(f"{n} works", "muted")',
        'label.setText(error.message)',
    ],
)  # fmt: skip
def test_messages_that_cannot_be_translated_are_found(bad: str) -> None:
    assert list(faults(Path("studio/ui/x.py"), nodes_of(bad), MADE_OF))


@pytest.mark.parametrize(
    "bad",
    [
        'context.print(f"{id} is removed.")',
        'context.print("None." if not n else f"{n} works.")',
        'context.print_error(as_typed(f"Use it with: {command}"))',
        'display.say(f"{n} left")',
        'sys.stderr.write(f"It failed: {error}.")',
        'context.print("Cancelled.")',
        'context.print_error("Nothing." if empty else found)',
        'verbs.add_parser("walk", help="walk")',
        'verbs.add_parser("walk", help=f"walk {far}", description=tr("Walk."))',
        'verbs.add_parser("walk", help=tr(f"walk {far}"))',
        'verbs.add_parser("walk", help=tr("walk {far}"))',
        'parser.add_argument_group("settings")',
        'rows = [("ID", "NAME")]',
        'said = "Nothing was found."',
        'raise argparse.ArgumentTypeError(f"{number} is too large")',
        'return "yes please" if value else ""',
    ],
)
def test_prints_that_cannot_be_translated_are_found(bad: str) -> None:
    assert list(faults(Path("studio/cli/x.py"), nodes_of(bad), MADE_OF))


@pytest.mark.parametrize(
    "good",
    [
        'context.print(f"{id}  {path}")',
        'context.print(Message("{id} is removed.", id=id))',
        'verbs.add_parser("walk", help=tr("walk {far}", far=far), epilog=tr("Walk far."))',
        'parser.add_argument("--rename", metavar=("ID", "NAME"))',
        'HEADS = (Message("ID"), Message("NAME"))',
        'with disk_errors_as("The page could not be written"): pass',
        'logger.exception("a command failed")',
        'def f():\n    """A docstring of words."""',
    ],
)
def test_prints_that_can_be_translated_are_left_alone(good: str) -> None:
    assert not list(faults(Path("studio/cli/x.py"), nodes_of(good), MADE_OF))


def test_a_message_formats_to_the_expected_sentence() -> None:
    error = BadInput(
        "{name} is {value!r}, at most {limit:,}.", "Give {low:g}.", name=Path("a.png"), value="x", limit=5000, low=0.5
    )
    assert str(error) == "a.png is 'x', at most 5,000. Give 0.5."
    assert (error.message, error.hint) == ("a.png is 'x', at most 5,000.", "Give 0.5.")
    assert (error.template, error.params["limit"], error.params["name"]) == (
        "{name} is {value!r}, at most {limit:,}.",
        5000,
        "a.png",
    )
    assert not NOTHING
    assert str(BadInput("Braces {{}} stay.")) == "Braces {} stay."
    assert str(counted(1, "1 work of {folder}", "{n} works of {folder}", folder="a")) == "1 work of a"
    assert str(counted(3, "1 work of {folder}", "{n} works of {folder}", folder="a")) == "3 works of a"


def test_an_error_within_an_error_stays_a_message() -> None:
    inner = Flaw("it ends after {count:,} bytes", count=1200)
    outer = StudioError("{name} is damaged: {reason}.", "Copy it again.", name="a.bin", reason=inner)
    assert str(outer) == "a.bin is damaged: it ends after 1,200 bytes. Copy it again."
    assert outer.params["reason"] == Message("it ends after {count:,} bytes", count=1200)
    whole = reason(outer)
    assert isinstance(whole, Message)
    assert str(whole) == str(outer)
    assert str(StudioError("{reason}", reason=OSError(2, "gone"))) == "gone"


def test_a_path_is_shown_whole_unless_no_file_can_have_its_name() -> None:
    usual = Path("a folder") / "with" / ("x" * 255)
    assert str(Message("{path}", path=usual)) == str(usual)
    words = str(Message("{path}", path=Path("there") / f"{'x' * 5000}.png"))
    assert words.startswith("there")
    assert words.endswith("x.png")
    assert "…" in words
    assert len(words) < 200


def test_braces_in_parameters_do_not_break_a_message() -> None:
    assert str(Message("{name} is {what}", name="{what} {0} {")) == "{name} is {what}"
    assert str(Message("{name}!", name="{what} {0} {")) == "{what} {0} {!"


@pytest.mark.parametrize(
    "error",
    [
        BadInput("{name} is no picture.", "Take {other}.", mend="models", name="a", other=Message("the {n}th", n=2)),
        OutOfMemory("The machine ran out of memory."),
        DamagedIndex(Message("it is empty")),
        StudioError(counted(2, "one", "{n} of them")),
    ],
)
def test_an_error_can_be_pickled(error: StudioError) -> None:
    back = pickle.loads(pickle.dumps(error, protocol=5))
    assert type(back) is type(error)
    assert (back.said, back.advice, back.mend, str(back)) == (error.said, error.advice, error.mend, str(error))
    assert back.status == error.status


def test_a_message_is_read_back_from_json() -> None:
    message = Message("{what} of {n}", what=Message("the {kind}", kind="sun"), n=2)
    assert Message.from_json(message.to_json()) == message
    assert str(Message.from_json(counted(1, "one", "{n} works").to_json())) == "one"
    with pytest.raises(ValueError, match="no message"):
        Message.from_json({"template": 3})


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Flaw("it ends too early"), "it ends too early"),
        (ValueError("network and attributes disagree"), "network and attributes disagree"),
        (FileNotFoundError(2, "No such file or directory"), "No such file or directory"),
        (OSError("x does not appear to have a file named config.json"), "a file of it is missing or cannot be read"),
        (json.JSONDecodeError("Expecting value", "\n\n?", 2), "line 3 is no JSON"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), "it is not in UTF-8"),
        (KeyError("shape"), "it lacks shape"),
        (AttributeError("'int' object has no attribute 'items'"), "a value in it is of another kind than it should be"),
        (ImportError("requires the protobuf library"), "a Python package that it needs is not installed"),
        (RuntimeError("You set ignore_mismatched_sizes"), "its contents are damaged, or do not fit each other"),
    ],
)
def test_a_reason_is_never_in_the_words_of_a_library(error: Exception, words: str) -> None:
    assert str(reason(error)) == words
    assert str(StudioError("a.json is damaged: {reason}.", reason=error)) == f"a.json is damaged: {words}."
