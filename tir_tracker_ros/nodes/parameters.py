# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The parameters of the nodes: one table each, from which everything else is made.

Declaration and descriptors (ros_parameters.py), validation, and the files that list them
(parameter_files.py: config/tracker.yaml, docs/node.md) all come from here.
"""

from __future__ import annotations

from collections.abc import Mapping
import difflib
from functools import partial
from typing import Any

from ..imaging.border import Margins
from ..imaging.gain import GainSettings, MODES
from ..imaging.radiometry import CAMERAS, radiometry_of
from ..tracking.candidates import CandidateSettings
from ..tracking.candidates import MODES as AUTO_INIT
from ..tracking.settings import MODES as TRACKING_MODES
from ..tracking.settings import TrackingSettings
from ..tracking.states import Thresholds
from ..tracking.stream_settings import StreamSettings
from .parameter import Parameter, Value

MODELS = (
    *('mmnet', 'mmnet_fast', 'cfnet', 'cfnet_fast', 'siamfc', 'siamfc_fast', 'hssnet'),
    *('hssnet_fast', 'mlssnet', 'mlssnet_fast', 'tdsiam_fast'),
    *('siamrpn', 'siamrpn_alex', 'siamrpn_mobilenet', 'siamrpn_r18', 'siamrpn_r34'),
    *('siamrpnpp_r50', 'siamrpnpp_r50_lt', 'dasiamrpn', 'siammask_r50', 'siamrpn_fast'),
    *('dasiamrpn_fast', 'siamrpnpp_fast', 'siammask_fast'),
)
"""Names of the presets, so that they can be told where there is no torch; a test compares them."""


def _setting(settings: Any, prefix: str, name: str, description: str, *args, **kwargs):
    """Make a row whose default is that of a setting."""
    return Parameter(prefix + name, getattr(settings, name), description, *args, **kwargs)


_stream = partial(_setting, StreamSettings(), '')
_threshold = partial(_setting, Thresholds(), '', live=True)
_gain = partial(_setting, GainSettings(), 'gain.', live=True)
_candidates = partial(_setting, CandidateSettings(), 'candidates.', live=True)
_tracking = partial(_setting, TrackingSettings(), 'tracking.')

TRACKER = (
    Parameter(
        'model',
        'auto',
        'Preset of the network: auto is that of weights; without any, mmnet_fast; the others are '
        f'{", ".join(MODELS)}.',
    ),
    Parameter('weights', '', 'Path of a safetensors file; empty takes the shipped weights.'),
    Parameter('device', 'auto', 'auto, cpu, cuda or cuda:N; auto is CUDA where there is one.'),
    Parameter('threads', 1, 'Threads of torch and OpenCV; 0 leaves their own choice.', 0, 256),
    Parameter(
        'precision',
        'auto',
        'Of the features; auto is bfloat16 where the device computes in it natively.',
        choices=('auto', 'float32', 'bfloat16', 'float16'),
    ),
    Parameter(
        'image_transport',
        'raw',
        'raw subscribes to image, compressed to image/compressed.',
        choices=('raw', 'compressed'),
    ),
    _stream(
        'max_targets',
        'Targets followed at once; with 1, every init replaces the target.',
        1,
        64,
    ),
    Parameter(
        'auto_init',
        'never',
        'When a detection on candidates starts a target: never, while idle, or while lost, too.',
        choices=AUTO_INIT,
    ),
    Parameter(
        'candidates.classes',
        '',
        'Classes that may, separated by commas; empty for all.',
        live=True,
    ),
    _candidates('min_score', 'Smallest score of the detector.', 0.0, 1.0),
    _candidates(
        'min_likeness',
        'Smallest likeness to the first image of a lost target, 1 being the same.',
        -1.0,
        1.0,
    ),
    _setting(
        TrackingSettings(),
        '',
        'rotated_box',
        'Whether theta of the box is set, by models with masks: the smallest box around the mask.',
    ),
    _stream('buffer_size', 'Images kept, so that an init may name one by its stamp.', 1, 1000),
    _threshold(
        'lost_below', 'A score below this, lost_after images in a row, means lost.', 0.0, 1.0
    ),
    _threshold(
        'uncertain_below',
        'A score below this means uncertain; from it on, a target is not lost.',
        0.0,
        1.0,
    ),
    _threshold(
        'found_above',
        'From this score on an uncertain or lost target is tracked again.',
        0.0,
        1.0,
    ),
    _threshold('lost_after', 'Images in a row until a target is lost.', 1, 1000),
    _stream('smallest_side', 'Smallest side of an init box, pixels.', 1.0, 1000.0, live=True),
    _gain(
        'mode',
        'Which counts become 0 and 1: percentiles of the image, a fixed range, or its extremes.',
        choices=MODES,
    ),
    _gain('low_percentile', 'Percentile that becomes 0.', 0.0, 100.0),
    _gain('high_percentile', 'Percentile that becomes 1.', 0.0, 100.0),
    _gain(
        'minimum',
        'Counts that become 0 in mode fixed; with radiometric, degrees Celsius.',
        -1e9,
        1e9,
    ),
    _gain(
        'maximum',
        'Counts that become 1 in mode fixed; with radiometric, degrees Celsius.',
        -1e9,
        1e9,
    ),
    _gain('smoothing', 'Share of the previous range that stays in the next one.', 0.0, 0.999),
    _gain('stretch_8bit', 'Whether 8-bit images go through the range, too, not just / 255.'),
    Parameter(
        'gain.crop',
        '0,0,0,0',
        'Rows at top and bottom, columns at left and right that are no image, such as telemetry; '
        'up to four a side are found without it. Boxes stay those of the whole image.',
        live=True,
    ),
    Parameter(
        'radiometric.camera',
        'none',
        'Camera whose counts are temperatures, see Temperatures; none for no camera of these.',
        choices=('none', *CAMERAS),
    ),
    Parameter('radiometric.scale', 1.0, 'Kelvin for one count, for other cameras.', 1e-6, 1e6),
    Parameter(
        'radiometric.offset',
        0.0,
        'Degrees Celsius of a count of 0, for other cameras; a scale of 1 and an offset of 0 '
        'mean that counts are no temperatures.',
        -1e9,
        1e9,
    ),
    Parameter(
        'tracking.mode',
        'default',
        "default is this package's own tracking, paper that of the preset's own paper; it takes "
        "the paper's numbers for the tracking parameters below that are left at their defaults.",
        choices=TRACKING_MODES,
    ),
    _tracking('min_scale', 'Smallest target size over its size at init.', 0.01, 1.0),
    _tracking('max_scale', 'Largest target size over its size at init.', 1.0, 100.0),
    _setting(
        Thresholds(), 'tracking.', 'learn_above', 'Score below which nothing is learnt.', 0.0, 1.0
    ),
    _tracking(
        'near_share',
        'Share of the reach that is looked at first while the target is sure and slow; 1: all.',
        0.0,
        1.0,
    ),
    _tracking(
        'target_model',
        'Whether the target is told from what is beside it by a filter that learns meanwhile.',
    ),
    _tracking('redetection', 'Whether a lost target is looked for in the whole image.'),
    Parameter(
        'no_image_warning',
        5.0,
        'Seconds without an image until a warning; 0 for none.',
        0.0,
        3600.0,
        live=True,
    ),
    Parameter('diagnostics', False, 'Whether /diagnostics is published, once a second.'),
    Parameter(
        'record_path', '', 'CSV file that gets a line for each processed image; empty for none.'
    ),
)

_VARIANT = 'evaluate --variant changes it for experiments'
_IN_MODE_PAPER = {
    'the scale pyramid': ['scale', 'scale_count', 'scale_step', 'scale_penalty', 'scale_rate'],
    "the image's mean as padding": ['padding'],
    "the paper's upsampling": ['upsample'],
    "the paper's Hann window": ['window', 'window_weight'],
    "the paper's template": ['template', 'template_rate', 'template_interval'],
}
REMOVED = {
    f'tracking.{name}': f'tracking.mode paper has {what}; {_VARIANT}'
    for what, names in _IN_MODE_PAPER.items()
    for name in names
}
REMOVED['tracking.search_size'] = 'each model has its own'
REMOVED['tracking.refiner_interval'] = _VARIANT
"""What replaces each parameter of the tracker that earlier versions had."""

PLAYER = (
    Parameter('bag', '', 'Bag directory, .mcap or .db3 file to play; has to be given.'),
    Parameter('topics', '', 'Topics to play, separated by spaces; empty for all known types.'),
    Parameter('rate', 1.0, 'Speed, 1 being the recorded one.', 0.01, 100.0),
    Parameter('loop', False, 'Whether to start again at the end.'),
    Parameter('start', 0.0, 'Seconds of the bag to leave out at its beginning.', 0.0, 1e9),
    Parameter('clock', False, 'Whether to publish /clock, for nodes with use_sim_time.'),
    Parameter(
        'wait_for',
        1,
        'Subscriptions to wait for, on every image topic, before playing; an init waits for one.',
        0,
        100,
    ),
)


def settings_of(values: Mapping[str, Value]) -> StreamSettings:
    """Make the settings of a stream; raises ValueError for values that exclude each other."""
    thresholds = ('lost_below', 'uncertain_below', 'found_above', 'lost_after')
    parts = _part(values, 'gain.')
    gain = GainSettings(**{**parts, 'crop': Margins.parse(parts['crop'])})
    radiometry = radiometry_of(**_part(values, 'radiometric.'))
    return StreamSettings(
        gain=radiometry.in_counts(gain) if radiometry else gain,
        thresholds=Thresholds(**{name: values[name] for name in thresholds}),  # type: ignore
        buffer_size=int(values['buffer_size']),
        smallest_side=float(values['smallest_side']),
        radiometry=radiometry,
        max_targets=int(values['max_targets']),
    )


def candidate_settings(values: Mapping[str, Value]) -> CandidateSettings:
    """Make the settings of what a detector may start."""
    parts = _part(values, 'candidates.')
    classes = tuple(word.strip() for word in parts['classes'].split(',') if word.strip())
    return CandidateSettings(str(values['auto_init']), **{**parts, 'classes': classes})


def tracker_arguments(values: Mapping[str, Value]) -> dict[str, Any]:
    """
    Return the arguments of `load_tracker`.

    Of the tracking settings, only those that differ from the table's defaults are named: the
    others are the mode's own, which differ in mode `paper`.
    """
    names = ('model', 'device', 'weights', 'threads', 'precision')
    defaults = {row.name: row.default for row in TRACKER}
    changed = {name: values[name] for name in values if values[name] != defaults[name]}
    changes = _part(changed, 'tracking.')
    changes.pop('mode', None)
    changes |= {name: changed[name] for name in ('rotated_box',) if name in changed}
    return {name: values[name] for name in names} | {'tracking': values['tracking.mode']} | changes


def _part(values: Mapping[str, Value], prefix: str) -> dict[str, Any]:
    return {name[len(prefix) :]: values[name] for name in values if name.startswith(prefix)}


def problems_of(table: tuple[Parameter, ...], values: Mapping[str, Value]) -> list[str]:
    """Say what is wrong with the values of a table, each alone and then together."""
    found = [row.problem(values[row.name]) for row in table]
    problems = [problem for problem in found if problem]
    if table is TRACKER and not problems:
        try:
            settings_of(values)
        except ValueError as error:
            problems.append(str(error))
    return problems


def unknown_problem(table: tuple[Parameter, ...], name: str) -> str:
    """Say that there is no such parameter, and what replaces it or which one may be meant."""
    if table is TRACKER and name in REMOVED:
        return f'parameter {name} was removed: {REMOVED[name]}'
    close = difflib.get_close_matches(name, [row.name for row in table], 1)
    hint = f'; did you mean {close[0]}?' if close else ''
    return f'there is no parameter {name}{hint}'
