# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Compute `metrics.json` from the boxes beside it with vot-toolkit; see README.md."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from vot.analysis.supervised import AccuracyRobustness, AverageAccuracyRobustness, EAOCurve
from vot.region import Rectangle, Special
from vot.region.raster import calculate_overlaps

HERE = Path(__file__).parent
SIZE = (160, 120)


class Clip:
    """What the analyses ask of a sequence."""

    def __init__(self, folder):
        self.folder, self.size = folder, SIZE
        self.truth = [region(line) for line in (folder / 'groundtruth.txt').open()]

    def groundtruth(self):
        return self.truth

    def __len__(self):
        return len(self.truth)


class Results:
    """What the analyses ask of an experiment."""

    def gather(self, tracker, clip):
        runs = sorted(clip.folder.glob(f'{clip.folder.name}_*.txt'))
        regions = [[region(line) for line in path.open()] for path in runs]
        return [SimpleNamespace(regions=lambda kept=kept: kept) for kept in regions]


def region(line):
    values = [float(value) for value in line.split(',')]
    return Special(int(values[0])) if len(values) == 1 else Rectangle(*values)


clips = [Clip(path.parent) for path in sorted(HERE.glob('*/groundtruth.txt'))]
metrics = {}
for name, bounded in (('bounded', True), ('unbounded', False)):
    single = AccuracyRobustness(bounded=bounded)
    rows = [single.subcompute(Results(), None, clip, []) for clip in clips]
    total = AverageAccuracyRobustness(analysis=single).aggregate(None, clips, rows)
    curve = EAOCurve(bounded=bounded).subcompute(Results(), None, clips, [])[0]
    metrics[name] = {
        'sequences': {
            clip.folder.name: {'accuracy': row[0], 'failures': row[1]}
            for clip, row in zip(clips, rows)
        },
        'accuracy': total[0],
        'robustness': total[1],
        'eao_curve': np.asarray(curve).tolist(),
    }
metrics['overlaps_of_edge'] = [
    float(value)
    for value in calculate_overlaps(
        Results().gather(None, clips[1])[0].regions(), clips[1].groundtruth(), SIZE
    )
]
assert clips[1].folder.name == 'edge'
text = json.dumps(metrics, default=float, indent=1)
(HERE / 'metrics.json').write_text(text + '\n')
