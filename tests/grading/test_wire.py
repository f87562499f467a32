"""Values on the wire: each comes back with its type, none brings code along, and what a copy suffered is made good."""

import base64
import collections
import copy
import datetime
import enum
import json
import pickle
import struct
import sys
from operator import eq, ne

import numpy as np
import pandas as pd
import pytest
import torch

from sentiment_kit.grading import wire


def through(value):
    return wire.decode(json.loads(json.dumps(wire.encode(value))))


def assert_same(found, wanted):
    """Equal in type, too, and to the last bit."""
    assert type(found) is type(wanted)
    if isinstance(wanted, float) and not isinstance(wanted, np.generic):
        assert struct.pack("d", found) == struct.pack("d", wanted)
    elif isinstance(wanted, np.ndarray | np.generic):
        assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
        if wanted.dtype == object:
            assert_same(found.ravel().tolist(), wanted.ravel().tolist())
        else:
            assert found.tobytes() == wanted.tobytes()
    elif isinstance(wanted, list | tuple):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            assert_same(one, other)
    elif isinstance(wanted, dict):
        assert_same(list(found.items()), list(wanted.items()))
    elif isinstance(wanted, set | frozenset):
        assert_same(sorted(found, key=repr), sorted(wanted, key=repr))
    else:
        assert found == wanted


def array_of(*objects):
    array = np.empty(len(objects), dtype=object)
    array[:] = list(objects)
    return array


# ---------------------------------------------------------------- there and back

PLAIN = {
    "None": None,
    "True": True,
    "False": False,
    "0": 0,
    "1": 1,
    "-1": -1,
    "an int of 65 bits": 2**64,
    "an int of 5000 digits": -(10**5000),
    "0.0": 0.0,
    "-0.0": -0.0,
    "1.0": 1.0,
    "0.1": 0.1,
    "the smallest float": 5e-324,
    "the largest float": sys.float_info.max,
    "nan": float("nan"),
    "inf": float("inf"),
    "-inf": float("-inf"),
    "no text": "",
    "text": 'é\n東京 \0 "quoted" \ud800',
    "no bytes": b"",
    "bytes": bytes(range(256)),
    "no list": [],
    "no tuple": (),
    "no dict": {},
    "no set": set(),
    "no frozenset": frozenset(),
    "set": {1, 2.5, "a", None, (1, 2)},
    "frozenset": frozenset({b"1", frozenset({2})}),
    "numbers of all kinds": [True, 1, 1.0, np.True_, np.int64(1), np.int32(1), np.float64(1), np.float32(1)],
    "tuple as a key": {("a", 1): [2], (): 3, ((1,), 2.0): None},
    "order of keys": {"b": 1, "a": 2, 3: 4, None: 5},
    "nested": {"a": [(1, {"b": {2: (3.0, [b"4", {5}])}})]},
    "40 deep": eval("[" * 35 + "]" * 35),
}


@pytest.mark.parametrize("value", PLAIN.values(), ids=PLAIN)
def test_plain_values_come_back(value):
    assert_same(through(value), value)


SCALARS = [np.bool_(True), np.int8(-1), np.uint8(255), np.int64(2**62), np.float16(0.1), np.float32(0.1)]
SCALARS += [np.float64("nan"), np.float64(-0.0), np.complex64(1 + 2j), np.str_("é"), np.bytes_(b"\xff")]


@pytest.mark.parametrize("value", SCALARS, ids=repr)
def test_numpy_scalars_come_back(value):
    assert_same(through(value), value)


@pytest.mark.parametrize("value", [np.str_(""), np.bytes_(b"")], ids=repr)
def test_empty_numpy_strings_come_back(value):
    assert_same(through(value), value)


ARRAYS = {
    "bool": np.array([True, False]),
    "int8": np.array([[-128, 127]], dtype=np.int8),
    "uint64": np.array([2**64 - 1], dtype=np.uint64),
    "float16": np.array([0.1, np.nan, -0.0], dtype=np.float16),
    "float32": np.array([[0.1], [np.inf]], dtype=np.float32),
    "float64": np.linspace(0, 1, 24).reshape(2, 3, 4),
    "complex": np.array([1 + 2j]),
    "text": np.array(["é", "東京", ""]),
    "bytes": np.array([b"ab", b""]),
    "empty": np.array([]),
    "no rows": np.zeros((0, 3), dtype=np.int32),
    "0-d": np.array(5),
    "0-d bool": np.array(False),
    "transposed": np.arange(6).reshape(2, 3).T,
    "every other, backwards": np.arange(10.0)[::-2],
    "broadcast": np.broadcast_to(np.float32(2), (2, 2)),
    "big-endian": np.array([1, -2], dtype=">i4"),
    "big-endian floats": np.array([0.1], dtype=">f8"),
    "objects": np.array([1, "a", None, 2.0, True], dtype=object),
    "objects in rows": np.array([[1, "a"], [None, 2.0]], dtype=object),
    "an object, 0-d": np.array(None, dtype=object),
    "no objects": np.array([], dtype=object),
    "lists": array_of([1], [2]),
    "tuples": array_of((1, 2), (3, 4)),
    "arrays": array_of(np.ones(2), np.zeros(2)),
    "ragged": array_of(np.ones(2), np.ones(3)),
}


@pytest.mark.parametrize("value", ARRAYS.values(), ids=ARRAYS)
def test_arrays_come_back_and_can_be_written_to(value):
    found = through(value)
    assert_same(found, np.ascontiguousarray(value).reshape(value.shape))
    assert found.flags.writeable


FRAME = pd.DataFrame(
    {
        "text": ["a", "é", ""],
        "int": [1, 2, 3],
        "float": [0.5, np.nan, -0.0],
        "bool": [True, False, True],
        "none": [None, None, None],
        "gaps": ["a", None, "b"],
        "mixed": [1, "a", None],
        "lists": [[1], [2], []],
    }
)
INDEXES = {
    "text": ["b", "a", "c"],
    "duplicates": ["x", "x", "y"],
    "numbers": [7, -1, 7],
    "floats": [0.5, np.inf, -1.0],
    "mixed": ["a", 1, None],
    "pairs": pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)]),
}


def test_frames_come_back():
    pd.testing.assert_frame_equal(through(FRAME), FRAME)
    assert through(FRAME)["gaps"].dtype == "str" and through(FRAME)["none"].tolist() == [None] * 3


@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)
def test_an_odd_index_comes_back(index):
    frame = FRAME.set_axis(index, axis=0)
    found = through(frame)
    assert found.index.tolist() == frame.index.tolist()
    pd.testing.assert_frame_equal(found.reset_index(drop=True), FRAME)
    assert through(frame["int"]).index.tolist() == frame.index.tolist()


@pytest.mark.parametrize("names", [["a", "a"], ["a", 1], [0, 1], [("a", "b"), ("a", "c")]], ids=repr)
def test_odd_names_of_columns_come_back(names):
    frame = pd.DataFrame([[1, "a"], [2, "b"]])
    frame.columns = names
    found = through(frame)
    assert found.columns.tolist() == names
    assert [found.iloc[:, place].tolist() for place in (0, 1)] == [[1, 2], ["a", "b"]]
    assert found.iloc[:, 0].dtype == np.int64


def test_frames_without_rows_or_columns_come_back():
    for frame in (FRAME.iloc[:0], pd.DataFrame(), pd.DataFrame(index=[3, 4])):
        pd.testing.assert_frame_equal(through(frame), frame, check_index_type=False, check_column_type=False)


@pytest.mark.parametrize("name", ["n", None, 3, ("a", 1)], ids=repr)
def test_series_come_back_with_their_name(name):
    for values in ([1.5, np.nan], ["a", "b"], [True, False], [None, 1]):
        series = pd.Series(values, name=name, index=["x", "y"])
        pd.testing.assert_series_equal(through(series), series)


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "boolean", "string", "float32", "int8", "object"])
def test_types_of_columns_come_back(dtype):
    series = pd.Series([1, 0], dtype=dtype)
    pd.testing.assert_series_equal(through(series), series)
    pd.testing.assert_frame_equal(through(series.to_frame("a")), series.to_frame("a"))


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "boolean", "string"])
def test_gaps_in_columns_come_back(dtype):
    series = pd.Series([1, None], dtype=dtype)
    pd.testing.assert_series_equal(through(series), series)


TENSORS = {
    "float32": torch.tensor([[0.1, float("nan")], [-0.0, float("inf")]]),
    "float64": torch.tensor([0.1], dtype=torch.float64),
    "int64": torch.tensor([1, -2]),
    "uint8": torch.tensor([255], dtype=torch.uint8),
    "bool": torch.tensor([True, False]),
    "0-d": torch.tensor(3),
    "empty": torch.zeros(0, 2),
    "transposed": torch.arange(6).reshape(2, 3).T,
    "expanded": torch.ones(1).expand(3),
}


@pytest.mark.parametrize("value", TENSORS.values(), ids=TENSORS)
def test_tensors_come_back(value):
    found = through(value)
    assert type(found) is torch.Tensor and (found.dtype, found.shape) == (value.dtype, value.shape)
    assert found.numpy().tobytes() == value.contiguous().numpy().tobytes()
    assert not found.requires_grad and found.is_leaf


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_short_floats_come_back_as_longer_ones_of_the_same_value(dtype):
    value = torch.tensor([0.1, -2.5, float("inf")], dtype=dtype)
    assert through(value).dtype == torch.float32 and torch.equal(through(value), value.float())


def test_tensors_keep_whether_they_want_a_gradient():
    weight = torch.ones(2, requires_grad=True)
    for value in (weight, weight * 2, torch.nn.Parameter(torch.ones(2))):
        found = through(value)
        assert type(found) is torch.Tensor and found.requires_grad and found.grad_fn is None


def test_what_travels_shares_no_memory():
    array, tensor = np.zeros(2), torch.zeros(2)
    sent = wire.encode([array, tensor])
    array[0] = tensor[0] = 1
    first, second = wire.decode(sent), wire.decode(sent)
    assert first[0].tolist() == [0, 0] and first[1].tolist() == [0, 0]
    first[0][1] = first[1][1] = 5
    assert second[0].tolist() == [0, 0] and second[1].tolist() == [0, 0]


def test_too_deep_is_an_ordinary_error():
    endless = []
    endless.append(endless)
    for value in (endless, {"a": endless}, eval("[" * 60 + "]" * 60)):
        with pytest.raises(ValueError, match="nested too deeply"):
            wire.encode(value)


# ---------------------------------------------------------------- nothing but data


class EqualsAll:
    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    def __hash__(self):
        return 0


class Float(EqualsAll, float):
    def __repr__(self):
        return "9.0"


class Int(EqualsAll, int):
    def __index__(self):
        return 9

    __int__ = __repr__ = __str__ = __index__


class Str(EqualsAll, str):
    pass


class Bytes(EqualsAll, bytes):
    pass


class List(EqualsAll, list):
    pass


class Tuple(EqualsAll, tuple):
    pass


class Set(EqualsAll, set):
    pass


class Frozen(EqualsAll, frozenset):
    pass


class Dict(EqualsAll, dict):
    def __getitem__(self, key):
        return 9


class Array(EqualsAll, np.ndarray):
    pass


class Number(np.float32):
    __eq__, __hash__ = EqualsAll.__eq__, EqualsAll.__hash__


class Tensor(torch.Tensor):
    def __eq__(self, other):
        return True


class Name(enum.StrEnum):
    A = "a"


class Place(enum.IntEnum):
    A = 1


SUBCLASSES = [
    (Float(0.5), 0.5),
    (Float("nan"), float("nan")),
    (Int(3), 3),
    (Str("a"), "a"),
    (Bytes(b"a"), b"a"),
    (List([Int(1)]), [1]),
    (Tuple([Int(1)]), (1,)),
    (Set({Int(1)}), {1}),
    (Frozen({1}), frozenset({1})),
    (Dict({Str("a"): Float(1)}), {"a": 1.0}),
    (collections.Counter("aab"), {"a": 2, "b": 1}),
    (collections.OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
    (collections.defaultdict(list, a=[1]), {"a": [1]}),
    (collections.namedtuple("Pair", "first second")(1, 2.0), (1, 2.0)),
    (Place.A, 1),
    (torch.zeros(2, 3).shape, (2, 3)),
    (np.array([1.0, 2.0]).view(Array), np.array([1.0, 2.0])),
    (np.matrix([[1]]), np.matrix([[1]]).A),
    (Number(0.5), np.float32(0.5)),
]  # fmt: skip


@pytest.mark.parametrize(("value", "plain"), SUBCLASSES, ids=lambda value: type(value).__name__)
def test_subclasses_become_plain(value, plain):
    assert_same(through(value), plain)


def test_a_text_of_an_enum_becomes_plain():
    assert type(through(Name.A)) is str


def test_a_subclass_of_a_tensor_becomes_plain():
    found = through(torch.ones(2).as_subclass(Tensor))
    assert type(found) is torch.Tensor and (found == torch.zeros(2)).tolist() == [False, False]


def test_what_equals_everything_there_equals_nothing_else_here():
    for value in (Float(0.5), Int(3), Str("a"), List([1]), Dict({1: 2}), EqualsAll()):
        assert value == 7 and through(value) != 7


OPAQUE = {
    "generator": (one for one in ()),
    "function": lambda: None,
    "builtin": len,
    "class": int,
    "object": object(),
    "equal to all": EqualsAll(),
    "date": datetime.date(2020, 1, 1),
    "frame of one's own": type("Frame", (pd.DataFrame,), {"equals": lambda *_: True})({"a": [1]}),
    "complex": 1j,
}


@pytest.mark.parametrize("value", OPAQUE.values(), ids=OPAQUE)
def test_what_has_no_kind_equals_nothing(value):
    found = through(value)
    assert isinstance(found, wire.Opaque)
    for other in (value, found, through(value), EqualsAll(), None, True, 1, ""):
        assert not eq(found, other) and ne(found, other)
    assert found not in [through(value), None, True, 1, ""] and [found] != [through(value)]
    assert repr(found) == repr(value)[:200]


def test_opaque_values_say_what_they_were():
    names = [type(through(OPAQUE[name])).__name__ for name in ("generator", "function", "class", "date")]
    assert names == ["generator", "function", "type", "date"]
    (inner,) = through([object()])
    assert isinstance(inner, wire.Opaque)


@pytest.mark.parametrize("name", ["int", "Opaque", "list", "x" * 1000, "", "é b"])
def test_the_name_of_an_opaque_value_makes_it_nothing_else(name):
    found = wire.decode(["opaque", name, "y" * 1000])
    assert isinstance(found, wire.Opaque) and type(found).__mro__[1:] == (wire.Opaque, object)
    assert not eq(found, found) and len(type(found).__name__) <= 60 and len(repr(found)) <= 200


@pytest.mark.parametrize("value", [{datetime.date(2020, 1, 1)}, {datetime.date(2020, 1, 1): 2}], ids=repr)
def test_sets_and_dicts_of_opaque_values_come_back(value):
    (found,) = through(value)
    assert isinstance(found, wire.Opaque) and through(value) != value


def test_a_module_as_a_result_is_opaque():
    model = torch.nn.Linear(1, 1)
    for value in (model, [model], torch.optim.SGD(model.parameters())):
        found = through(value)
        assert isinstance(found[0] if isinstance(found, list) else found, wire.Opaque)


# ---------------------------------------------------------------- garbage


class Bomb:
    def __reduce__(self):
        return exec, ("raise SystemExit('ran')",)


BOMB = base64.b64encode(pickle.dumps(Bomb())).decode()
INT = ["int", "0x1"]
EIGHT = "AAAAAAAAAAA="  # bytes
GARBAGE = [
    None, 5, "none", [], {}, [None], [[]], [{}], ["nothing"], ["__import__", "os"], ["eval", "1"],
    ["Opaque", "a", "b"], ["decode", ["none"]], ["none", 1], ["bool"], ["int"], ["int", 5], ["int", ""],
    ["int", "__import__('os')"], ["float", "1.5.5"], ["float", None], ["float", "exec"], ["str"], ["bytes", 5],
    ["list"], ["list", 5], ["list", [5]], ["list", [["eval", "1"]]], ["tuple", [None]], ["dict", [[INT]]],
    ["dict", {"a": 1}], ["dict", [[["list", []], INT]]], ["set", [["list", []]]], ["frozenset", [["dict", []]]],
    ["array"], ["array", "O", [1], BOMB], ["array", "|O", [], BOMB], ["array", "object", [1], BOMB],
    ["array", "V8", [1], EIGHT], ["array", "O,O", [1], BOMB], ["array", "M8[s]", [1], EIGHT],
    ["array", [["a", "O"]], [1], BOMB], ["array", {"names": ["a"], "formats": ["O"]}, [1], BOMB],
    ["array", "<f8", [3], EIGHT], ["array", "<f8", [1], "AAAA"], ["array", "<f8", "1", EIGHT],
    ["array", "<f8", [10**30], EIGHT], ["array", "<f8", [-1, -1], EIGHT], ["array", "<f8", [1], "é"],
    ["array", "<U1000000000", [1], "AAAA"], ["array", "os.system", [1], "AAAA"], ["scalar", "O", BOMB],
    ["scalar", "<f8", ""], ["objects", [2], [INT]], ["objects", [1], [["eval", "1"]]], ["objects", [1], 5],
    ["tensor", "<f8", [1], EIGHT], ["tensor", "<U1", [1], "YQAAAA==", False], ["tensor", "O", [1], BOMB, False],
    ["tensor", "<i8", [1], EIGHT, True], ["series", INT, ["list", []], ["list", [INT]], ""],
    ["series", ["list", []], ["list", [INT]], ["list", [INT]], "object"],
    ["series", ["none"], ["list", [INT]], ["list", [["str", "a"]]], "Int64"], ["series", ["none"], ["none"]],
    ["frame"], ["frame", INT, []], ["frame", ["list", []], [["series"]]],
    ["frame", ["list", [INT]], [["series", INT, ["list", []], ["list", []], ""]]], ["opaque"],
    ["opaque", "a\0b", "c"], ["opaque", "\ud800", "c"], ["module", BOMB], ["pickle", BOMB], ["Bomb"],
]  # fmt: skip


@pytest.fixture(scope="module")
def heard():
    """What Python was asked to run since the list was last cleared, if it listens at all (``heard.on``)."""

    class Heard(list):
        on = False

    heard = Heard()

    def listen(event, _):
        if heard.on and event in ("exec", "pickle.find_class", "open", "os.system", "subprocess.Popen"):
            heard.append(event)

    sys.addaudithook(listen)
    yield heard
    heard.on = False


def test_the_listener_hears(heard):
    heard.on = True
    with pytest.raises(SystemExit, match="ran"):
        pickle.loads(base64.b64decode(BOMB))
    heard.on = False
    assert {"exec", "pickle.find_class"} <= set(heard)


@pytest.mark.parametrize("parts", GARBAGE, ids=lambda parts: repr(parts)[:40])
def test_garbage_is_an_ordinary_error_and_runs_nothing(heard, parts):
    heard.clear()
    heard.on = True
    try:
        wire.decode(json.loads(json.dumps(parts)))
    except Exception:
        raised = True
    else:
        raised = False
    finally:
        heard.on = False
    assert raised and not heard


@pytest.mark.parametrize("dtype", ["category", "datetime64[ns]", "Int128", "os.system", "", "int"])
def test_a_series_of_an_unknown_type_holds_objects(dtype):
    found = wire.decode(["series", ["none"], ["list", [INT]], ["list", [["str", "a"]]], dtype])
    assert found.dtype == object and found.tolist() == ["a"]


def test_a_message_nested_without_end_is_an_ordinary_error():
    parts = INT
    for _ in range(3000):
        parts = ["list", [parts]]
    with pytest.raises(RecursionError):
        wire.decode(parts)


# ---------------------------------------------------------------- a copy's changes


def frames_equal(one, other):
    pd.testing.assert_frame_equal(one, other, check_index_type=False, check_column_type=False)
    return True


TARGETS = {
    "list": ([1, 2], [3], list.__eq__),
    "a list becomes empty": ([1, 2], [], list.__eq__),
    "dict": ({"a": 1, "b": 2}, {"b": 3, "c": [4]}, dict.__eq__),
    "set": ({1, 2}, {2, 3}, set.__eq__),
    "array": (np.array([1.0, 2.0]), np.array([3.0, np.nan]), np.array_equal),
    "array in rows": (np.arange(6).reshape(2, 3).T, np.zeros((3, 2), dtype=int), np.array_equal),
    "0-d array": (np.array(1), np.array(2), np.array_equal),
    "objects": (np.array([1, "a"], dtype=object), np.array(["b", None], dtype=object), np.array_equal),
    "tensor": (torch.tensor([1, 2]), torch.tensor([3, 4]), torch.equal),
    "weights": (torch.ones(2, requires_grad=True), torch.zeros(2, requires_grad=True), torch.equal),
    "short floats": (torch.ones(2).bfloat16(), torch.tensor([0.5, -2]).bfloat16(), torch.equal),
    "cells": (pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1, 3]}), frames_equal),
    "columns": (pd.DataFrame({"a": [1], "b": ["x"]}), pd.DataFrame({"c": [0.5], "a": ["y"]}), frames_equal),
    "rows": (pd.DataFrame({"a": [1, 2, 3]}), pd.DataFrame({"a": [3, 1]}, index=[2, 0]), frames_equal),
    "more rows": (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1, 2], "b": ["x", None]}), frames_equal),
    "no rows": (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1]}).iloc[:0], frames_equal),
    "duplicates": (
        pd.DataFrame([[1, 2]], ["x"], ["a", "a"]), pd.DataFrame([[3, 4], [5, 6]], ["x", "x"], ["a", "a"]), frames_equal
    ),
    "series": (pd.Series([1.0, 2.0]), pd.Series([2.0, 3.0]), pd.Series.equals),
    "texts": (pd.Series(["a", "b"], index=["x", "x"]), pd.Series(["c", "d"], index=["x", "x"]), pd.Series.equals),
}  # fmt: skip


@pytest.mark.parametrize(("target", "wanted", "same"), TARGETS.values(), ids=TARGETS)
def test_an_argument_looks_as_its_copy_does(target, wanted, same):
    target, alias = (kept := copy.deepcopy(target)), [kept]
    assert not _equal(same, target, wanted)
    wire.overwrite(target, json.loads(json.dumps(wire.encode(wanted))))
    assert alias[0] is target and type(target) is type(wanted)
    assert same(target, wanted) or np.array_equal(target, wanted, equal_nan=True)
    assert getattr(target, "dtype", None) is None or target.dtype == wanted.dtype


def _equal(same, one, other):
    try:
        return same(one, other)
    except AssertionError:
        return False


@pytest.mark.parametrize("target", [None, 1, "a", (1, [2]), frozenset({1})], ids=repr)
def test_what_cannot_change_stays(target):
    before = repr(target)
    wire.overwrite(target, wire.encode(target))
    assert repr(target) == before


def test_an_argument_wants_a_gradient_if_its_copy_does():
    target = torch.ones(2)
    wire.overwrite(target, wire.encode(torch.ones(2, requires_grad=True)))
    assert target.requires_grad


def network():
    torch.manual_seed(3)
    nn = torch.nn
    return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.Dropout(), nn.Linear(2, 1))


def gradients(model):
    return [None if one.grad is None else one.grad.tolist() for one in model.parameters()]


def test_a_module_looks_as_its_copy_does():
    model, trained = network(), network()
    optimizer = torch.optim.SGD(trained.parameters(), lr=0.1)
    trained(torch.arange(12.0).reshape(4, 3)).sum().backward()
    optimizer.step()
    trained[0].bias.requires_grad_(False)
    trained[3].bias.grad = None
    trained[1].eval()
    places = [id(one) for one in model.parameters()]

    wire.overwrite(model, json.loads(json.dumps(wire.encode(trained))))
    assert all(torch.equal(model.state_dict()[name], value) for name, value in trained.state_dict().items())
    assert model[1].num_batches_tracked == 1 and not torch.equal(model[0].weight, network()[0].weight)
    assert gradients(model) == gradients(trained)
    assert gradients(model)[-1] is None and None not in gradients(model)[:-1]
    assert [one.requires_grad for one in model.parameters()] == [True, False, True, True, True, True]
    assert [one.training for one in model] == [True, False, True, True]
    assert [id(one) for one in model.parameters()] == places  # an optimizer still holds them

    wire.overwrite(model, wire.encode(network().eval()))
    assert gradients(model) == [None] * 6 and not any(one.training for one in model.modules())
    assert torch.equal(model[0].weight, network()[0].weight) and model[1].num_batches_tracked == 0


def test_an_optimizer_looks_as_its_copy_does():
    def made():
        model = network()
        return model, torch.optim.AdamW(model.parameters(), lr=0.1, betas=(0.8, 0.9))

    (_, optimizer), (trained, other) = made(), made()
    for _ in range(2):
        trained(torch.arange(12.0).reshape(4, 3)).sum().backward()
        other.step()
    other.param_groups[0]["lr"] = 0.05
    wire.overwrite(optimizer, json.loads(json.dumps(wire.encode(other))))
    found, wanted = optimizer.state_dict(), other.state_dict()
    assert found["param_groups"] == wanted["param_groups"] and found["param_groups"][0]["lr"] == 0.05
    assert found["param_groups"][0]["betas"] == (0.8, 0.9)
    assert len(found["state"]) == 6
    for key, state in wanted["state"].items():
        assert all(torch.equal(found["state"][key][name], value) for name, value in state.items())
        assert found["state"][key]["step"] == 2


def test_an_optimizer_of_other_weights_stays():
    optimizer = torch.optim.SGD(network().parameters(), lr=0.1)
    other = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.5)
    wire.overwrite(optimizer, wire.encode(other))
    assert optimizer.param_groups[0]["lr"] == 0.1


MISFITS = [
    ([1], ["list", 5]),
    ({}, ["dict", [[INT]]]),
    (np.ones(2), wire.encode(np.ones(3))),
    (torch.ones(2), wire.encode(torch.ones(3))),
    (network(), ["module", [["gone", INT, True, ["none"]]], [], []]),
    (5, wire.encode([])),
    (None, wire.encode({})),
]


@pytest.mark.parametrize(("target", "parts"), MISFITS, ids=lambda one: type(one).__name__)
def test_what_does_not_fit_is_an_ordinary_error(target, parts):
    with pytest.raises((ValueError, TypeError, KeyError, RuntimeError, AttributeError)):
        wire.overwrite(target, parts)
