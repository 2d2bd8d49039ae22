# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Weight files: safetensors with the preset's name, facts of the training and a checksum."""

from __future__ import annotations

from collections.abc import Mapping
import hashlib
import json
from pathlib import Path

from safetensors import safe_open, SafetensorError
from safetensors.torch import save_file
import torch
from torch import nn, Tensor

from .box_refiner import BoxRefiner
from .families import build_tracker_network, find_preset
from .network import Network

SHIPPED = Path(__file__).parent / 'weights'


_FOREIGN = {
    b'PK\x03\x04': 'a checkpoint of PyTorch',
    b'\x80\x02': 'a pickled checkpoint, as of PyTorch before 1.6',
    b'\x89HDF': 'an HDF5 file',
    b'MATLAB': 'a MAT-file',
}
"""First bytes of the files that other projects keep their weights in."""


class WeightsError(ValueError):
    """A weight file that cannot be used; the message names the file and the reason."""


def shipped_weights(name: str) -> Path | None:
    """Find the weight file that the package ships for a preset, or None."""
    path = SHIPPED / f'{name}.safetensors'
    return path if path.is_file() else None


def save_weights(
    model: nn.Module,
    path: str | Path,
    facts: Mapping[str, object],
    dtype: torch.dtype = torch.float16,
) -> None:
    """
    Write the weights of a model, stored as `dtype` (counters as they are).

    A tensor with values too large for `dtype`, as running variances may be, is stored as it is.
    Raises ValueError, naming the tensor, for one that is not finite.
    `facts` (classes, data, seed, metrics ...) travel in the file's metadata as JSON.
    """
    tensors = {name: _stored(name, value, dtype) for name, value in model.state_dict().items()}
    save_file(
        tensors,
        path,
        {'preset': str(model.name), 'sha256': checksum(tensors), 'facts': json.dumps(facts)},
    )
    # safetensors leaves a file that only its owner can read; an installed one is for everybody.
    Path(path).chmod(0o644)


def _stored(name: str, value: Tensor, dtype: torch.dtype) -> Tensor:
    value = value.detach().cpu().contiguous()
    if not value.is_floating_point():
        return value
    if not value.isfinite().all():
        raise ValueError(f"'{name}' is not finite: the training failed")
    stored = value.to(dtype)
    return stored if stored.isfinite().all() else value


def read_weights(path: str | Path) -> tuple[str, dict, dict[str, Tensor]]:
    """
    Read preset name, facts and tensors of a weight file, its checksum verified.

    Raises FileNotFoundError, or WeightsError for a file that is truncated, has no metadata of
    this package or does not match its checksum.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no weight file '{path}'")
    with path.open('rb') as file:
        start = file.read(10)
    for mark, kind in _FOREIGN.items():
        if start.startswith(mark):
            raise WeightsError(
                f"weight file '{path}' is {kind}, not a safetensors file of this package; convert "
                'it with `tir-tracker import-weights FILE --model PRESET --out OUT`'
            )
    try:
        with safe_open(path, framework='pt') as weights:
            metadata = weights.metadata() or {}
            # safetensors' own reader maps the file: a copy outlives a file that is replaced.
            tensors = {
                name: weights.get_tensor(name).clone()
                for name in weights.keys()  # noqa: SIM118 (no dict)
            }
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"weight file '{path}' is damaged or truncated ({error}); copy it anew"
        ) from error
    missing = {'preset', 'sha256', 'facts'} - set(metadata)
    if missing:
        raise WeightsError(
            f"weight file '{path}' was not written by tir_tracker_ros: its metadata lack "
            f'{", ".join(sorted(missing))}'
        )
    actual = checksum(tensors)
    if actual != metadata['sha256']:
        raise WeightsError(
            f"weight file '{path}' has the checksum {actual[:12]}..., but says "
            f'{metadata["sha256"][:12]}...; copy it anew'
        )
    return metadata['preset'], _read_facts(path, metadata['facts']), tensors


def _read_facts(path: Path, text: str) -> dict:
    try:
        facts = json.loads(text)
    except json.JSONDecodeError as error:
        raise WeightsError(f"weight file '{path}': its facts are no JSON: {error}") from None
    if not isinstance(facts, dict):
        raise WeightsError(
            f"weight file '{path}': its facts are a {type(facts).__name__}, not a JSON object"
        )
    for name in ('classes', 'data'):
        names = facts.get(name, [])
        if not (isinstance(names, list) and all(isinstance(one, str) for one in names)):
            raise WeightsError(
                f"weight file '{path}': its fact '{name}' is {names!r}, not a list of names"
            )
    return facts


def load_weights(model: nn.Module, path: str | Path) -> dict:
    """
    Fill a model from a weight file and return the file's facts.

    Raises what `read_weights` raises, and WeightsError for the weights of another preset.
    """
    preset, facts, tensors = read_weights(path)
    if preset != model.name:
        raise WeightsError(f"weight file '{path}' holds the model '{preset}', not '{model.name}'")
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise WeightsError(
            f"weight file '{path}' does not fit the model '{preset}': {error}"
        ) from error
    return facts


def load_model(name: str, weights: str | Path | None = None) -> tuple[Network, dict]:
    """
    Build a preset with its shipped weights, or those of a file; returns it with their facts.

    Raises ValueError for an unknown preset and what `load_weights` raises; FileNotFoundError where
    no weights are given and none are shipped.
    """
    name = find_preset(name).name
    path = weights or shipped_weights(name)
    if path is None:
        trained = sorted(file.stem for file in SHIPPED.glob('*.safetensors'))
        raise FileNotFoundError(
            f"no weights are shipped for the model '{name}' (there are: "
            f'{", ".join(trained) or "none"}); train it, or import the weights of another '
            'project (tir-tracker import-weights), and name the file'
        )
    model = build_tracker_network(name)
    return model.eval(), load_weights(model, path)


def load_refiner() -> BoxRefiner:
    """Build the box refiner with its shipped weights; raises what `load_weights` raises."""
    refiner = BoxRefiner()
    load_weights(refiner, SHIPPED / f'{refiner.name}.safetensors')
    return refiner.eval()


def checksum(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, types, shapes and bytes of tensors, in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name].contiguous()
        digest.update(f'{name} {value.dtype} {tuple(value.shape)}\n'.encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
