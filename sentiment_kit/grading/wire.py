"""Values on their way out of the sandbox: plain data as JSON, so that reading an answer runs none of its code.

A value becomes a list: its kind, then its content. What has no kind arrives as an :class:`Opaque`.
"""

import base64
import contextlib
import math
import types
from collections.abc import Callable
from typing import Any

import numpy as np

LONGEST_MESSAGE = 8 * 1024 * 1024
"""Bytes of one message; a longer one is refused."""

_DEEPEST = 40
_KINDS = "biufcUS"  # numpy's letters for the types that travel as raw bytes


class Opaque:
    """Stands for a value that cannot leave the sandbox, such as a generator: it equals nothing, not even itself."""

    __hash__ = object.__hash__  # a set may hold it

    def __init__(self, shown: str) -> None:
        self._shown = shown

    def __eq__(self, other: object) -> bool:
        return False

    def __repr__(self) -> str:
        return self._shown


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _encode_array(array: np.ndarray, depth: int) -> list:
    if array.dtype.kind in _KINDS:
        return ["array", array.dtype.str, list(array.shape), _text(np.ascontiguousarray(array).tobytes())]
    return ["objects", list(array.shape), [encode(one, depth) for one in array.ravel().tolist()]]


def _encode_series(series: Any, depth: int) -> list:  # noqa: ANN401 (pandas is imported only where it is used)
    name, index = encode(series.name, depth), encode(series.index.to_numpy(), depth)
    plain = isinstance(series.dtype, np.dtype) and series.dtype.kind in _KINDS
    values = encode(series.to_numpy() if plain else series.tolist(), depth)
    return ["series", name, index, values, "" if plain else str(series.dtype)]


def _encode_torch(value: Any, depth: int) -> list | None:  # noqa: ANN401
    import torch

    if isinstance(value, torch.Tensor):
        plain = value.detach().cpu().contiguous()
        if plain.dtype in (torch.bfloat16, torch.float16):
            plain = plain.float()
        return ["tensor", *_encode_array(plain.numpy(), depth)[1:], value.requires_grad]
    if isinstance(value, torch.nn.Module):
        weights = [[name, encode(one.data, depth), one.requires_grad, encode(one.grad, depth)]
                   for name, one in value.named_parameters()]  # fmt: skip
        modes = [[name, one.training] for name, one in value.named_modules()]
        buffers = [[name, encode(one, depth)] for name, one in value.named_buffers()]
        return ["module", weights, buffers, modes]
    if isinstance(value, torch.optim.Optimizer):
        return ["optimizer", encode(value.state_dict(), depth)]
    return None


def _encode_library(value: object, depth: int) -> list | None:
    home = type(value).__module__.partition(".")[0]
    bases = {one.__module__.partition(".")[0] for one in type(value).__mro__}
    if isinstance(value, np.generic) and value.dtype.kind in _KINDS:
        return ["scalar", value.dtype.str, _text(value.tobytes())]
    if isinstance(value, np.ndarray):
        return _encode_array(value, depth)
    if home == "pandas":
        import pandas as pd

        if isinstance(value, pd.DataFrame):
            columns = [_encode_series(value.iloc[:, place], depth) for place in range(value.shape[1])]
            return ["frame", encode(value.index.to_numpy(), depth), columns]
        if isinstance(value, pd.Series):
            return _encode_series(value, depth)
        if value is pd.NA:
            return ["gap"]
    return _encode_torch(value, depth) if "torch" in bases else None


def _encode_plain(value: object, depth: int) -> list | None:
    if value is None:
        return ["none"]
    if isinstance(value, bool):
        return ["bool", bool(value)]
    if isinstance(value, int):
        return ["int", hex(value)]
    if isinstance(value, float):
        return ["float", value.hex() if math.isfinite(value) else repr(float(value))]
    if isinstance(value, str):
        return ["str", str(value)]
    if isinstance(value, bytes):
        return ["bytes", _text(value)]
    if isinstance(value, dict):
        return ["dict", [[encode(key, depth), encode(one, depth)] for key, one in value.items()]]
    for kind in (list, tuple, set, frozenset):
        if isinstance(value, kind):
            return [kind.__name__, [encode(one, depth) for one in value]]
    return None


def encode(value: object, depth: int = 0) -> list:
    """Turns a value into lists, strings and numbers that JSON can hold.

    Args:
        value: Plain Python, numpy, pandas or torch data. Subclasses travel as what they extend.
        depth: How deep in the value we are.

    Returns:
        ``[kind, content ...]``; ``["opaque", type, text]`` for what has no kind.

    Raises:
        ValueError: It is nested too deeply.

    >>> encode([1, 0.5]), decode(encode({"a": (True, None)}))
    (['list', [['int', '0x1'], ['float', '0x1.0000000000000p-1']]], {'a': (True, None)})
    """
    if depth > _DEEPEST:
        raise ValueError("the value is nested too deeply")
    found = _encode_library(value, depth + 1) or _encode_plain(value, depth + 1)
    if found is None:
        name = "function" if isinstance(value, types.FunctionType) else type(value).__name__
        return ["opaque", name[:60], repr(value)[:200]]
    return found


def _array(dtype: str, shape: list, raw: str) -> np.ndarray:
    kind = np.dtype(dtype)
    if kind.kind not in _KINDS:
        raise ValueError(f"no such type of numbers: {dtype}")
    if not kind.itemsize:  # texts of no letters have no bytes
        return np.zeros(shape, dtype=kind)
    return np.frombuffer(base64.b64decode(raw), dtype=kind).reshape(shape).copy()


def _objects(shape: list, values: list) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = [decode(one) for one in values]
    return array.reshape(shape)


def _series(name: list, index: list, values: list, dtype: str) -> Any:  # noqa: ANN401
    import pandas as pd

    dtype = dtype if dtype in ("str", "string", "object", "bool", "Int64", "Float64", "boolean") else "object"
    found = decode(values)
    as_type = None if isinstance(found, np.ndarray) else dtype
    return pd.Series(found, index=decode(index), name=decode(name), dtype=as_type)


def _frame(index: list, columns: list) -> Any:  # noqa: ANN401
    import pandas as pd

    rows = decode(index)
    if not columns:
        return pd.DataFrame(index=rows)
    series = [decode(["series", *one[1:]]) for one in columns]
    frame = pd.concat([one.reset_index(drop=True) for one in series], axis=1)
    frame.index = pd.Index(rows)
    return frame


def _tensor(dtype: str, shape: list, raw: str, requires_grad: bool) -> Any:  # noqa: ANN401
    import torch

    return torch.from_numpy(_array(dtype, shape, raw)).requires_grad_(bool(requires_grad))


def _opaque(name: str, shown: str) -> Opaque:
    return type(str(name)[:60] or "object", (Opaque,), {})(str(shown)[:200])


def _gap() -> object:
    import pandas as pd

    return pd.NA


def _float(text: str) -> float:
    return float(text) if text in ("nan", "inf", "-inf") else float.fromhex(text)


_DECODERS: dict[str, Callable[..., object]] = {
    "none": lambda: None,
    "bool": lambda value: value is True,
    "int": lambda text: int(text, 16),
    "float": _float,
    "str": lambda text: str(text),
    "bytes": lambda text: base64.b64decode(text),
    "list": lambda values: [decode(one) for one in values],
    "tuple": lambda values: tuple(decode(one) for one in values),
    "set": lambda values: {decode(one) for one in values},
    "frozenset": lambda values: frozenset(decode(one) for one in values),
    "dict": lambda pairs: {decode(key): decode(one) for key, one in pairs},
    "array": _array,
    "objects": _objects,
    "scalar": lambda dtype, raw: _array(dtype, [], raw)[()],
    "series": _series,
    "frame": _frame,
    "tensor": _tensor,
    "opaque": _opaque,
    "gap": _gap,
    "module": lambda _weights, _buffers, _modes: _opaque("Module", "a torch module"),
    "optimizer": lambda _state: _opaque("Optimizer", "a torch optimizer"),
}


def decode(parts: list) -> Any:  # noqa: ANN401 (any value there is)
    """Makes the value again. Nothing in ``parts`` can make it run code.

    Args:
        parts: What :func:`encode` returned, from whoever is at the other end.

    Raises:
        ValueError, TypeError, KeyError: It is no value.
    """
    return _DECODERS[parts[0]](*parts[1:])


def overwrite(target: Any, parts: list) -> None:  # noqa: ANN401
    """Makes an argument look as the student's function left its copy.

    Args:
        target: A list, dict, set, array, tensor, data frame, series, torch module or optimizer; others stay.
        parts: The encoded copy, after the call.
    """
    kind = parts[0]
    if kind == "module":
        _overwrite_module(target, *parts[1:])
    elif kind == "optimizer":
        with contextlib.suppress(ValueError):  # it was given other parameters: its state stays in the sandbox
            target.load_state_dict(decode(parts[1]))
    elif kind == "list":
        target[:] = decode(parts)
    elif kind in ("dict", "set"):
        new = decode(parts)
        target.clear()
        target.update(new)
    elif kind in ("array", "objects"):
        target[...] = decode(parts)
    elif kind == "tensor":
        new = decode(parts)
        target.data.copy_(new.data)
        if target.is_leaf:
            target.requires_grad_(new.requires_grad)
    elif kind == "frame":
        new = decode(parts)
        target.drop(columns=list(target.columns), inplace=True)
        target.drop(index=list(target.index), inplace=True)
        for place, name in enumerate(new.columns):
            target.insert(place, name, new.iloc[:, place], allow_duplicates=True)
    elif kind == "series":
        target[:] = decode(parts).to_numpy()


def _overwrite_module(module: Any, weights: list, buffers: list, modes: list) -> None:  # noqa: ANN401
    found, states, parts = dict(module.named_parameters()), dict(module.named_buffers()), dict(module.named_modules())
    for name, value, requires_grad, gradient in weights:
        found[name].data.copy_(decode(value).data)
        found[name].requires_grad_(bool(requires_grad))
        found[name].grad = decode(gradient)
    for name, value in buffers:
        states[name].data.copy_(decode(value).data)
    for name, training in modes:
        parts[name].training = bool(training)
