"""Knowledge of code outside the linted tree: torch, numpy, ComfyUI. The data is in the TOML files beside this file.

May import the standard library only. Hands out `Knowledge`. scripts/derive_torch_knowledge.py makes one of them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from enum import Enum
from functools import cache, cached_property
from pathlib import Path
from typing import TypeAlias

from transfer_lint.files.scan import MOVES, READS
from transfer_lint.flow.knowledge.names import ACCELERATORS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class KnowledgeError(ValueError):
    """The user's knowledge table has the wrong form. The message names the key and what it takes."""


class Role(Enum):
    """What a device is used for."""

    ACCELERATOR = "accelerator"
    HOST = "host"
    EITHER = "either"


def role_of_device(spelled: str) -> Role | None:
    """The role of a device that is spelled out (`cuda:0`); None if not known."""
    kind = spelled.partition(":")[0]
    return Role.HOST if kind == "cpu" else Role.ACCELERATOR if kind in ACCELERATORS else None


@dataclass(frozen=True)
class KnownDevice:
    """A function that returns a device.

    stable: it has one result for the life of the process, and no side effect. role: the role of that device.
    """

    stable: bool
    role: Role


@dataclass(frozen=True)
class Names:
    """A set of dotted names. One that ends in `.*` stands for everything below it."""

    exact: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()

    @staticmethod
    def of(names: str | Iterable[str]) -> Names:
        """Make `Names` from a list of names, as in the data files, or from a string of names separated by blanks."""
        listed = names.split() if isinstance(names, str) else list(names)
        return Names(
            frozenset(n for n in listed if not n.endswith("*")), tuple(n[:-1] for n in listed if n.endswith("*"))
        )

    def __contains__(self, name: str) -> bool:
        return name in self.exact or (bool(self.prefixes) and name.startswith(self.prefixes))

    def __or__(self, other: Names) -> Names:
        return Names(self.exact | other.exact, tuple(dict.fromkeys(self.prefixes + other.prefixes)))


_DTYPES_OF = {"tensor.casts": "tensor_casts", "functions.legacy_factories": "legacy_factories"}
"""Path of a table name -> dtype, and the field that holds it."""

_NONE = Names()
NamesOf: TypeAlias = Mapping[str, Names]


@dataclass(frozen=True)
class Operation:
    """What is known of the result of a function or method that works on tensors.

    own_device: it is on the device of the first operand; else on that of all operands, or of the n-dim ones among them.
    own_dtype: it has the dtype of the first operand.
    keeps_dtype: it has the dtype of the tensors among the operands, if that is the same for all of them.
    autocast: under autocast, own_dtype and keeps_dtype do not hold.
    n_dim: if an operand is n-dim, so is the result.
    itself: the result is the first operand.
    dtype_arguments: if one of these arguments is a dtype, own_dtype and keeps_dtype do not hold. (Of the positional
        arguments, only the last can be a dtype.)
    """

    own_device: bool
    own_dtype: bool
    keeps_dtype: bool
    autocast: bool
    n_dim: bool
    itself: bool
    dtype_arguments: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Knowledge:
    """All that the analysis knows of code outside the tree. A field's metadata holds its path in the data files."""

    modules: Names = field(default=_NONE, metadata={"path": "modules.classes"})
    module_queries: Names = field(default=_NONE, metadata={"path": "modules.queries"})
    offload_words: Names = field(default=_NONE, metadata={"path": "modules.offload_words"})
    not_modules: Names = field(default=_NONE, metadata={"path": "modules.not_modules"})
    model_words: Names = field(default=_NONE, metadata={"path": "modules.model_words"})
    computing_methods: Names = field(default=_NONE, metadata={"path": "modules.computing_methods"})
    wrappers: Names = field(default=_NONE, metadata={"path": "modules.wrappers"})
    preparer_words: Names = field(default=_NONE, metadata={"path": "modules.preparer_words"})
    batch_maker_words: Names = field(default=_NONE, metadata={"path": "modules.batch_maker_words"})
    tensor_libraries: Names = field(default=_NONE, metadata={"path": "modules.tensor_libraries"})
    scheduler_words: Names = field(default=_NONE, metadata={"path": "schedulers.words"})
    layers_weights: Names = field(default=_NONE, metadata={"path": "layers.weights"})
    layers_norm: Names = field(default=_NONE, metadata={"path": "layers.norm"})
    layers_like: Names = field(default=_NONE, metadata={"path": "layers.like"})
    layers_like_device: Names = field(default=_NONE, metadata={"path": "layers.like_device"})
    layers_sequence: Names = field(default=_NONE, metadata={"path": "layers.sequence"})
    layers_containers: Names = field(default=_NONE, metadata={"path": "layers.containers"})
    combine: Names = field(default=_NONE, metadata={"path": "functions.combine"})
    factories: Names = field(default=_NONE, metadata={"path": "functions.factories"})
    n_dim_factories: Names = field(default=_NONE, metadata={"path": "functions.n_dim_factories"})
    tuples: Names = field(default=_NONE, metadata={"path": "functions.tuples"})
    take_sequences: Names = field(default=_NONE, metadata={"path": "functions.take_sequences"})
    tracers: Names = field(default=_NONE, metadata={"path": "functions.tracers"})
    exact_factories: Names = field(default=_NONE, metadata={"path": "functions.exact_factories"})
    exact_in_any_dtype: Names = field(default=_NONE, metadata={"path": "functions.exact_in_any_dtype"})
    inexact_factories: Names = field(default=_NONE, metadata={"path": "functions.inexact_factories"})
    exact_if_whole: Names = field(default=_NONE, metadata={"path": "functions.exact_if_whole"})
    random_factories: Names = field(default=_NONE, metadata={"path": "functions.random_factories"})
    random_like_factories: Names = field(default=_NONE, metadata={"path": "functions.random_like_factories"})
    from_values: Names = field(default=_NONE, metadata={"path": "functions.from_values"})
    like_factories: Names = field(default=_NONE, metadata={"path": "functions.like_factories"})
    makes_tensors: Names = field(default=_NONE, metadata={"path": "functions.makes_tensors"})
    host_tensors: Names = field(default=_NONE, metadata={"path": "functions.host_tensors"})
    host: Names = field(default=_NONE, metadata={"path": "functions.host"})
    iterates: Names = field(default=_NONE, metadata={"path": "functions.iterates"})
    pure: Names = field(default=_NONE, metadata={"path": "functions.pure"})
    idle: Names = field(default=_NONE, metadata={"path": "functions.idle"})
    idle_imports: Names = field(default=_NONE, metadata={"path": "imports.idle"})
    transparent_decorators: Names = field(default=_NONE, metadata={"path": "functions.transparent_decorators"})
    transparent_bases: Names = field(default=_NONE, metadata={"path": "functions.transparent_bases"})
    tensor_same: Names = field(default=_NONE, metadata={"path": "tensor.same"})
    tensor_distinctive: Names = field(default=_NONE, metadata={"path": "tensor.distinctive"})
    tensor_attributes: Names = field(default=_NONE, metadata={"path": "tensor.attributes"})
    tensor_tuples: Names = field(default=_NONE, metadata={"path": "tensor.results.tuples"})
    tensor_host: Names = field(default=_NONE, metadata={"path": "tensor.results.host"})
    tensor_factories: Names = field(default=_NONE, metadata={"path": "tensor.results.factories"})
    socket_tensors: Names = field(default=_NONE, metadata={"path": "sockets.tensors"})
    socket_host: Names = field(default=_NONE, metadata={"path": "sockets.host"})
    once_functions: Names = field(default=_NONE, metadata={"path": "heat.once"})
    remembering: Names = field(default=_NONE, metadata={"path": "heat.remembering"})
    layer_parameters: Names = field(default=_NONE, metadata={"path": "heat.layer_parameters"})
    step_schedules: Names = field(default=_NONE, metadata={"path": "heat.schedules"})
    step_schedule_words: Names = field(default=_NONE, metadata={"path": "heat.schedule_words"})
    step_hooks: Names = field(default=_NONE, metadata={"path": "heat.step_hooks"})
    step_options: Names = field(default=_NONE, metadata={"path": "heat.step_options"})
    layer_hooks: Names = field(default=_NONE, metadata={"path": "heat.layer_hooks"})
    movers: Names = field(default=_NONE, metadata={"path": "heat.movers"})
    step_parameters: Names = field(default=_NONE, metadata={"path": "heat.step_parameters"})
    loaders: Names = field(default=_NONE, metadata={"path": "heat.loaders"})
    loader_words: Names = field(default=_NONE, metadata={"path": "heat.loader_words"})
    batch_words: Names = field(default=_NONE, metadata={"path": "heat.batch_words"})
    model_names: Names = field(default=_NONE, metadata={"path": "heat.model_names"})
    model_keywords: Names = field(default=_NONE, metadata={"path": "heat.model_keywords"})
    model_methods: Names = field(default=_NONE, metadata={"path": "heat.model_methods"})
    steppers: Names = field(default=_NONE, metadata={"path": "heat.steppers"})
    seldom_words: Names = field(default=_NONE, metadata={"path": "heat.seldom_words"})
    step_registrars: Names = field(default=_NONE, metadata={"path": "heat.step_registrars"})
    wrapper_registrars: Names = field(default=_NONE, metadata={"path": "heat.wrapper_registrars"})
    step_wrappers: Names = field(default=_NONE, metadata={"path": "heat.step_wrappers"})
    step_keywords: Names = field(default=_NONE, metadata={"path": "heat.step_keywords"})
    step_patches: Names = field(default=_NONE, metadata={"path": "heat.step_patches"})
    solvers: Names = field(default=_NONE, metadata={"path": "heat.solvers"})
    step_protocol: Names = field(default=_NONE, metadata={"path": "heat.step_protocol"})
    callback_values: Names = field(default=_NONE, metadata={"path": "per_step.callback_values"})
    per_step_values: Names = field(default=_NONE, metadata={"path": "per_step.values"})
    sampler_parameters: Names = field(default=_NONE, metadata={"path": "sampler.parameters"})
    sampler_schedules: Names = field(default=_NONE, metadata={"path": "sampler.schedules"})
    per_step_keys: Names = field(default=_NONE, metadata={"path": "per_step.keys"})
    function_own_device: Names = field(default=_NONE, metadata={"path": "functions.own_device"})
    function_own_dtype: Names = field(default=_NONE, metadata={"path": "functions.own_dtype"})
    function_keeps_dtype: Names = field(default=_NONE, metadata={"path": "functions.keeps_dtype"})
    function_autocast: Names = field(default=_NONE, metadata={"path": "functions.autocast"})
    function_n_dim: Names = field(default=_NONE, metadata={"path": "functions.n_dim"})
    function_itself: Names = field(default=_NONE, metadata={"path": "functions.itself"})
    function_views: Names = field(default=_NONE, metadata={"path": "functions.views"})
    function_changes: Names = field(default=_NONE, metadata={"path": "functions.changes"})
    function_reads: Names = field(default=_NONE, metadata={"path": "functions.reads"})
    function_checks: Names = field(default=_NONE, metadata={"path": "functions.checks"})
    tensor_own_device: Names = field(default=_NONE, metadata={"path": "tensor.own_device"})
    tensor_own_dtype: Names = field(default=_NONE, metadata={"path": "tensor.own_dtype"})
    tensor_keeps_dtype: Names = field(default=_NONE, metadata={"path": "tensor.keeps_dtype"})
    tensor_autocast: Names = field(default=_NONE, metadata={"path": "tensor.autocast"})
    tensor_n_dim: Names = field(default=_NONE, metadata={"path": "tensor.n_dim"})
    tensor_itself: Names = field(default=_NONE, metadata={"path": "tensor.itself"})
    tensor_views: Names = field(default=_NONE, metadata={"path": "tensor.views"})
    tensor_changes: Names = field(default=_NONE, metadata={"path": "tensor.changes"})
    tensor_reads: Names = field(default=_NONE, metadata={"path": "tensor.reads"})
    step_methods: NamesOf = field(default_factory=dict, metadata={"path": "heat.step_methods"})
    explicit_waits: NamesOf = field(default_factory=dict, metadata={"path": "functions.explicit_waits"})
    function_sized: NamesOf = field(default_factory=dict, metadata={"path": "functions.sized"})
    function_unless: NamesOf = field(default_factory=dict, metadata={"path": "functions.unless"})
    function_only_with: NamesOf = field(default_factory=dict, metadata={"path": "functions.only_with"})
    function_changes_with: NamesOf = field(default_factory=dict, metadata={"path": "functions.changes_with"})
    function_dtype_arguments: NamesOf = field(default_factory=dict, metadata={"path": "functions.dtype_arguments"})
    tensor_dtype_arguments: NamesOf = field(default_factory=dict, metadata={"path": "tensor.dtype_arguments"})
    tensor_unless: NamesOf = field(default_factory=dict, metadata={"path": "tensor.unless"})
    tensor_only_with: NamesOf = field(default_factory=dict, metadata={"path": "tensor.only_with"})
    tensor_changes_with: NamesOf = field(default_factory=dict, metadata={"path": "tensor.changes_with"})
    scheduler_samples: NamesOf = field(default_factory=dict, metadata={"path": "schedulers.samples"})
    layers_unless: NamesOf = field(default_factory=dict, metadata={"path": "layers.unless"})
    tensor_casts: Mapping[str, str] = field(default_factory=dict)
    legacy_factories: Mapping[str, str] = field(default_factory=dict)  # name -> dtype; "" for the default one
    devices: Mapping[str, KnownDevice] = field(default_factory=dict)
    dtypes: Mapping[str, bool] = field(default_factory=dict)  # name -> stable

    @property
    def step_words(self) -> frozenset[str]:
        """Words of which a file must hold at least one to have a loop over sampling steps."""
        return self.step_schedules.exact | self.step_schedule_words.exact

    def is_module_class(self, name: str) -> bool:
        """Whether the dotted name is a subclass of torch.nn.Module outside the tree."""
        if name in self.not_modules:
            return False
        return name in self.modules and name.rpartition(".")[2][:1].isupper()

    def is_transparent_base(self, name: str) -> bool:
        """Whether a base class outside the tree defines nothing that could change the result of a method lookup."""
        return name in self.transparent_bases

    def layer_kind(self, name: str) -> str | None:
        """The kind of a torch.nn layer, by its dotted name; None if not known.

        One of `weights`, `norm`, `like`, `like_device` and `sequence`.
        """
        prefix, _, layer = name.rpartition(".")
        if not prefix.startswith("torch.nn"):
            return None
        for kind in ("weights", "norm", "like", "like_device", "sequence"):
            names: Names = getattr(self, f"layers_{kind}")
            if layer in names:
                return kind
        return None

    def is_usual_layer(self, name: str, arguments: Iterable[str]) -> bool:
        """Whether a torch.nn layer that is constructed with such arguments behaves as the tables say."""
        layer = name.rpartition(".")[2] if name.startswith("torch.nn") else ""
        return _usual(layer, arguments, self.layers_unless, {})

    def function(self, name: str, arguments: Iterable[str]) -> Operation | None:
        """The result of a function that works on tensors; None if it is not known for such `arguments`.

        arguments: "0", "1" ... for positional ones, the keyword for the others.
        """
        if not _usual(name, arguments, self.function_unless, self.function_only_with):
            return None
        return Operation(
            name in self.function_own_device,
            name in self.function_own_dtype,
            name in self.function_keeps_dtype,
            name in self.function_autocast,
            name in self.function_n_dim,
            name in self.function_itself,
            self.function_dtype_arguments.get(name, _NONE).exact,
        )

    def method(self, name: str, arguments: Iterable[str]) -> Operation | None:
        """`function`, for a method of tensors. The receiver is the first operand, and not among the arguments."""
        if not _usual(name, arguments, self.tensor_unless, self.tensor_only_with):
            return None
        return Operation(
            name in self.tensor_own_device,
            name in self.tensor_own_dtype,
            name in self.tensor_keeps_dtype,
            name in self.tensor_autocast,
            name in self.tensor_n_dim,
            name in self.tensor_itself,
            self.tensor_dtype_arguments.get(name, _NONE).exact,
        )

    @cached_property
    def tensor_methods(self) -> frozenset[str]:
        """All names of methods of tensors that are known."""
        tables = (getattr(self, f.name) for f in fields(self) if f.metadata.get("path", "").startswith("tensor."))
        named = (table.exact for table in tables if isinstance(table, Names))
        return frozenset().union(*named, self.tensor_casts, MOVES, READS, {"backward", "register_hook"})

    def role_of_function(self, name: str) -> Role | None:
        """The role of the device that a function returns, by the function's dotted name; None if not known."""
        return self.devices[name].role if name in self.devices else None

    def extended(self, table: Mapping[str, object]) -> Knowledge:
        """A copy with the entries of a table added. Raises KnowledgeError if the table has the wrong form."""
        known = {f.metadata["path"]: f.name for f in fields(self) if "path" in f.metadata}
        changes: dict[str, object] = {}
        for path, value in _leaves(table, frozenset(known) | {"devices", "dtypes", *_DTYPES_OF}):
            match path:
                case "devices":
                    changes["devices"] = {**self.devices, **_devices(value)}
                case "dtypes":
                    changes["dtypes"] = {**self.dtypes, **_stability(path, value)}
                case _ if path in _DTYPES_OF:
                    name = _DTYPES_OF[path]
                    changes[name] = {**getattr(self, name), **_strings(path, value)}
                case _ if path in known:
                    held = getattr(self, known[path])
                    if isinstance(held, Names):
                        changes[known[path]] = held | _listed(path, value)
                    else:
                        added = {name: _listed(f"{path}.{name}", v) for name, v in _table(path, value).items()}
                        changes[known[path]] = held | {name: held.get(name, _NONE) | v for name, v in added.items()}
                case _:
                    near = get_close_matches(path, [*known, "devices", "dtypes", *_DTYPES_OF], 1)
                    raise KnowledgeError(f"{path}: no such table" + (f"; did you mean {near[0]}?" if near else ""))
        return replace(self, **changes)  # type: ignore[arg-type]


def _usual(name: str, arguments: Iterable[str], unless: Mapping[str, Names], only_with: Mapping[str, Names]) -> bool:
    """Whether the tables hold for a call with such arguments."""
    if name not in unless and name not in only_with:
        return True
    given = set(arguments)
    if any(key.startswith("*") for key in given):  # unpacked: it is not known which arguments
        return False
    return not given & unless.get(name, _NONE).exact and given >= only_with.get(name, _NONE).exact


def _listed(path: str, value: object) -> Names:
    if not isinstance(value, str) and not (isinstance(value, list) and all(isinstance(v, str) for v in value)):
        raise KnowledgeError(f"{path}: expected a list of names")
    return Names.of(value)


def _leaves(table: Mapping[str, object], ends: frozenset[str], prefix: str = "") -> Iterable[tuple[str, object]]:
    for key, value in table.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict) and path not in ends:
            yield from _leaves(value, ends, f"{path}.")
        else:
            yield path, value


def _devices(value: object) -> dict[str, KnownDevice]:
    found: dict[str, KnownDevice] = {}
    for name, entry in _table("devices", value).items():
        if not isinstance(entry, dict) or not entry.keys() <= {"stable", "role"} or not _boolean(entry.get("stable")):
            raise KnowledgeError(f'devices."{name}": expected {{ stable = true or false, role = ... }}')
        try:
            role = Role(entry.get("role", "either"))
        except ValueError:
            roles = ", ".join(r.value for r in Role)
            raise KnowledgeError(f'devices."{name}".role: {entry["role"]!r} is none of {roles}') from None
        found[name] = KnownDevice(entry.get("stable") is True, role)
    return found


def _stability(path: str, value: object) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for name, entry in _table(path, value).items():
        if not isinstance(entry, dict) or not entry.keys() <= {"stable"} or not _boolean(entry.get("stable")):
            raise KnowledgeError(f'{path}."{name}": expected {{ stable = true or false }}')
        found[name] = entry.get("stable") is True
    return found


def _strings(path: str, value: object) -> dict[str, str]:
    table = _table(path, value)
    if not all(isinstance(v, str) for v in table.values()):
        raise KnowledgeError(f"{path}: expected method = dtype, both strings")
    return {name: str(dtype) for name, dtype in table.items()}


def _table(path: str, value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise KnowledgeError(f"{path}: expected a table")
    return value


@cache
def default_knowledge() -> Knowledge:
    """The knowledge that comes with the tool. Memoised."""
    knowledge = Knowledge()
    for name in ("torch_derived.toml", "torch.toml", "heat.toml", "comfy.toml"):
        knowledge = knowledge.extended(tomllib.loads(Path(__file__).with_name(name).read_text(encoding="utf-8")))
    return knowledge


def _boolean(value: object) -> bool:
    """Whether it is true or false, or left out."""
    return value is None or isinstance(value, bool)
