# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Compute `metrics.json` from `boxes.npz` with the public toolkits; see README.md."""

import json
import os
from pathlib import Path
import sys
from tempfile import TemporaryDirectory
from types import SimpleNamespace
import zipfile

import numpy as np
import pandas as pd

HERE, ROOT = Path(__file__).parent, Path(sys.argv[1])
SIZE, COUNT = (320, 240), 3


def one_pass(random):
    """Make boxes with all that is special: absent, of no size, at the border, missing answers."""
    count = 60
    center = np.cumsum(random.normal(0, 3, (count, 2)), axis=0) + (160, 120)
    size = random.uniform(15, 50, 2) * np.exp(random.normal(0, 0.03, (count, 2)))
    truth = np.hstack([center - size / 2, size])
    found = truth + random.normal(0, 1, truth.shape) * random.uniform(0, 14, (count, 1))
    found[:, 2:] = np.maximum(found[:, 2:], 3)
    other = truth + random.normal(0, 3, truth.shape)
    other[:, 2:] = np.maximum(other[:, 2:], 3)
    truth[20], truth[30, 0], truth[31, :2] = 0, -2, -60
    absent = np.zeros(count, bool)
    absent[40:50] = True
    scores = np.clip(0.9 - np.abs(found - truth).max(axis=1) / 60 + random.normal(0, 0.1), 0, 1)
    scores[absent] *= 0.7
    scores[0] = np.nan
    found[0] = truth[0]
    return {
        'truth': truth.round(2),
        'other': other.round(2),
        'found': found.round(2),
        'absent': absent,
        'scores': scores.round(4),
    }


def supervised(random):
    """Make a turning rectangle and a run that fails now and then."""
    count = int(random.integers(150, 320))
    center = np.cumsum(random.normal(0, 1.5, (count, 2)), axis=0) + (160, 120)
    half = random.uniform(12, 30, 2)
    angle = np.cumsum(random.normal(0, 0.05, count)) + 0.4
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
    polygons = np.einsum('ijn,kj->nki', turn, corners) + center[:, None]
    size = np.ptp(polygons, axis=1)
    boxes = np.hstack([center - size / 2, size]) + random.normal(0, 3, (count, 4))
    events = np.full(count, 3)
    events[0] = 1
    for frame in random.choice(np.arange(20, count - 10, 15), 2, replace=False):
        events[frame : frame + 6] = (2, 0, 0, 0, 0, 1)
    return {
        'polygons': polygons.reshape(-1, 8).round(2),
        'boxes': boxes.round(2),
        'events': events,
    }


if not (HERE / 'boxes.npz').is_file():
    random = np.random.default_rng(21)
    parts = {
        f'{kind.__name__}.{n}.{key}': value
        for kind in (one_pass, supervised)
        for n in range(COUNT)
        for key, value in kind(random).items()
    }
    np.savez_compressed(HERE / 'boxes.npz', **parts)
stored = np.load(HERE / 'boxes.npz')


def clips(kind):
    return [
        SimpleNamespace(
            name=f'clip{n}',
            **{key.split('.')[2]: stored[key] for key in stored if key.startswith(f'{kind}.{n}.')},
        )
        for n in range(COUNT)
    ]


def of_pysot():
    sys.path.insert(0, str(ROOT / 'pysot'))
    from toolkit.evaluation import EAOBenchmark, F1Benchmark, OPEBenchmark
    from toolkit.utils import calculate_accuracy

    videos = []
    for clip in clips('one_pass'):
        truth = clip.truth.copy()
        truth[clip.absent] = 0
        videos.append(
            SimpleNamespace(
                name=clip.name,
                gt_traj=truth,
                pred_trajs={'x': clip.found},
                absent=~clip.absent * 1,
            )
        )
    ope = OPEBenchmark(videos)
    curves = [ope.eval_success('x'), ope.eval_precision('x'), ope.eval_norm_precision('x')]
    found = {
        name: np.mean(list(curve['x'].values()), axis=0).tolist()
        for name, curve in zip(('success', 'precision', 'norm_precision'), curves)
    }

    class Set(list):
        tracker_names = ['x']

        def __getitem__(self, name):
            by_name = {each.name: each for each in self}
            return by_name[name] if isinstance(name, str) else list.__getitem__(self, name)

    videos = Set()
    for clip in clips('one_pass'):
        truth = [[0] if gone else box for box, gone in zip(clip.truth.tolist(), clip.absent)]
        truth[20] = [0]
        videos.append(
            SimpleNamespace(
                name=clip.name,
                gt_traj=truth,
                width=SIZE[0],
                height=SIZE[1],
                pred_trajs={'x': clip.found.tolist()},
                confidence={'x': clip.scores.tolist()},
            )
        )
    result = F1Benchmark(videos).eval('x')['x']
    precision, recall = (
        np.mean(list(result[key].values()), axis=0) for key in ('precision', 'recall')
    )
    f = 2 * precision * recall / (precision + recall)
    best = int(np.nanargmax(f))
    found |= {'f_score': f[best], 'lt_precision': precision[best], 'lt_recall': recall[best]}

    videos, accuracies = Set(), []
    for clip in clips('supervised'):
        told = zip(clip.events.tolist(), clip.boxes.tolist())
        run = [box if event == 3 else [event] for event, box in told]
        truth = clip.polygons.tolist()
        videos.append(
            SimpleNamespace(
                name=clip.name,
                gt_traj=truth,
                width=SIZE[0],
                height=SIZE[1],
                pred_trajs={'x': [run]},
                select_tag=lambda tag, start, end: [1] * (end - start),
            )
        )
        accuracies.append(calculate_accuracy(run, truth, burnin=10, bound=SIZE)[0])
    videos.name = 'VOT2018'
    found['accuracies'] = accuracies
    found['eao'] = EAOBenchmark(videos).eval('x')['x']['all']
    return found


def of_got10k():
    from got10k.experiments.got10k import ExperimentGOT10k
    from got10k.utils.metrics import rect_iou

    ious = []
    for clip in clips('one_pass'):
        seen = ~clip.absent & (clip.truth[:, 2] > 0)
        ious.append(rect_iou(clip.found[1:], clip.truth[1:], bound=SIZE)[seen[1:]])
    ious = np.concatenate(ious)
    ao, sr, _, curve = ExperimentGOT10k._evaluate(None, ious, [])
    return {'ao': ao, 'sr_50': sr, 'sr_75': curve[75]}


def of_trackingnet():
    sys.path.insert(0, str(ROOT / 'TrackingNet-devkit'))
    # What it calls was removed from pandas and numpy.
    pd.DataFrame.append = lambda self, other: pd.concat([self, other])
    np.trapz = np.trapezoid
    import metrics

    class Numpy:
        sum = staticmethod(lambda values: np.int64(sum(values)))

        def __getattr__(self, name):
            return getattr(np, name)

    metrics.np = Numpy()
    with TemporaryDirectory() as folder:
        for name, part in (('anno', 'truth'), ('subm', 'found')):
            with zipfile.ZipFile(f'{folder}/{name}.zip', 'w') as package:
                for clip in clips('one_pass'):
                    seen = ~clip.absent & (clip.truth[:, 2] > 0)
                    rows = getattr(clip, part)[seen]
                    text = '\n'.join(','.join(f'{v:.2f}' for v in row) for row in rows)
                    package.writestr(f'{clip.name}.txt', text)
        _, success, precision, norm = metrics.evaluate(f'{folder}/anno.zip', f'{folder}/subm.zip')
    keys = ('trackingnet_success', 'trackingnet_precision', 'trackingnet_norm_precision')
    return {key: value / 100 for key, value in zip(keys, (success, precision, norm))}


def of_anti_uav():
    sys.path.insert(0, str(ROOT / 'Anti-UAV410'))
    from Evaluation_for_SA import eval as accuracy

    values = []
    for clip in clips('one_pass'):
        exist = ~clip.absent & (clip.truth[:, 2] > 0)
        answers = [
            [] if score < 0.4 else box for score, box in zip(clip.scores, clip.found.tolist())
        ]
        label = {'gt_rect': clip.truth.tolist(), 'exist': exist.tolist()}
        values.append(accuracy(answers, label))
    return {'state_accuracy': np.mean(values)}


def of_rgbt():
    sys.path.insert(0, str(ROOT / 'RGBT_toolkit' / 'src'))
    from rgbt.metrics import metrics
    import rgbt.utils as utils

    names = [f'clip{n}' for n in range(COUNT)]
    both, results = {}, {}
    for clip in clips('one_pass'):
        seen = clip.truth[:, 2] > 0
        both[clip.name] = {'infrared': clip.truth[seen], 'visible': clip.other[seen]}
        results[clip.name] = clip.found[seen].round(0)
    found = {
        'max_precision': metrics.MPR()(both, results, names)[0],
        'max_success': metrics.MSR()(both, results, names)[0],
    }
    utils.RGBT_start()
    found['max_precision_5'] = metrics.MPR_GTOT()(both, results, names)[0]
    found['max_success_pooled'] = metrics.MSR_GTOT()(both, results, names)[0]
    utils.RGBT_end()
    truth = {clip.name: clip.truth for clip in clips('one_pass')}
    for name, metric in (('success', metrics.SR_LasHeR()), ('precision', metrics.PR_LasHeR())):
        answers = {clip.name: clip.found.copy() for clip in clips('one_pass')}
        found[f'lasher_{name}'] = metric(truth, answers, names)[1].mean(axis=0).tolist()
    return found


def of_vot():
    from vot.analysis.longterm import compute_tpr_curves, determine_thresholds
    from vot.region import Rectangle, Special

    scores = np.concatenate([clip.scores for clip in clips('one_pass')])
    limits = determine_thresholds(scores.tolist(), 100)
    curves = []
    for clip in clips('one_pass'):
        seen = ~clip.absent & (clip.truth[:, 2] > 0)
        truth = [Rectangle(*box) if s else Special(0) for box, s in zip(clip.truth.tolist(), seen)]
        answers = [Special(1), *(Rectangle(*box) for box in clip.found[1:].tolist())]
        fake = SimpleNamespace(groundtruth=lambda truth=truth: truth, size=SIZE)
        curves.append(compute_tpr_curves(answers, clip.scores.tolist(), fake, limits))
    precision, recall = np.mean(curves, axis=0)
    f = 2 * precision * recall / (precision + recall)
    best = int(np.nanargmax(f))
    return {'f_score': f[best], 'lt_precision': precision[best], 'lt_recall': recall[best]}


metrics_of = {}
for name, compute in (
    ('pysot', of_pysot), ('got10k', of_got10k), ('trackingnet', of_trackingnet),
    ('anti_uav', of_anti_uav), ('rgbt', of_rgbt), ('vot', of_vot),
):  # fmt: skip
    try:
        metrics_of[name] = compute()
    except ImportError as error:
        print(f'{name} is left out: {error}')
text = json.dumps(metrics_of, indent=1, default=float)
(HERE / 'metrics.json').write_text(text + os.linesep)
