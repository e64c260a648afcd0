"""Augmentation of spectrograms as of pictures: rotation, zoom, brightness, noise, random erasing, another size.

Rotation, zoom and brightness are those that fastai gives pictures (Howard & Gugger 2020, doi 10.3390/info11020108).
Tensors ``(B, n_mels, n_frames)`` in and out, on any device; every example draws its own parameters from the generator
given. Levels are in standard deviations of the example, so that a strength means the same for dB and scaled features.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.nn import functional as F

from ._affine import resample
from ._boxes import box_mask

_ERASED = (0.02, 0.33)
_ASPECT = (0.3, 1 / 0.3)
"""Area and height by width of erased rectangles, as by Zhong et al."""


def rotate(features: torch.Tensor, most: float, rng: np.random.Generator) -> torch.Tensor:
    """Rotates every example about its middle; a bin and a frame count alike, and edges are mirrored.

    Args:
        features: ``(B, n_mels, n_frames)``.
        most: angles are drawn evenly up to so many degrees, either way.
        rng: where the angles come from.
    """
    batch, mels, frames = features.shape
    angle = np.radians(most) * rng.uniform(-1, 1, batch)
    theta = np.zeros((batch, 2, 3))
    theta[:, 0, 0] = theta[:, 1, 1] = np.cos(angle)
    theta[:, 0, 1], theta[:, 1, 0] = -np.sin(angle) * mels / frames, np.sin(angle) * frames / mels
    return resample(features, theta, "reflection")


def zoom(features: torch.Tensor, most: float, rng: np.random.Generator) -> torch.Tensor:
    """Magnifies a part of every example to the whole.

    Args:
        features: ``(B, n_mels, n_frames)``.
        most: magnifications are drawn evenly from 1 to ``1 + most``, the parts evenly from all there are.
        rng: where magnifications and parts come from.
    """
    batch = len(features)
    part = 1 / (1 + most * rng.uniform(0, 1, batch))
    theta = np.zeros((batch, 2, 3))
    theta[:, 0, 0] = theta[:, 1, 1] = part
    theta[:, :, 2] = (1 - part)[:, None] * rng.uniform(-1, 1, (batch, 2))
    return resample(features, theta, "border")


def brighten(features: torch.Tensor, most: float, rng: np.random.Generator) -> torch.Tensor:
    """Makes every example lighter or darker as a whole: adds a constant.

    Args:
        features: ``(B, n_mels, n_frames)``.
        most: constants are drawn evenly up to so many standard deviations of the example, either way.
        rng: where the constants come from.
    """
    share = torch.from_numpy(most * rng.uniform(-1, 1, (len(features), 1, 1)))
    return features + (_deviation(features) * share.to(features.device)).to(features.dtype)


def spectrogram_noise(features: torch.Tensor, amplitude: float, rng: np.random.Generator) -> torch.Tensor:
    """Adds white Gaussian noise. It is drawn on the device: another device draws other noise from the same generator.

    Args:
        features: ``(B, n_mels, n_frames)``.
        amplitude: standard deviation of the noise, in standard deviations of the example.
        rng: seeds the noise.
    """
    source = torch.Generator(features.device).manual_seed(int(rng.integers(2**63)))
    noise = torch.randn(features.shape, generator=source, device=features.device)
    return features + (amplitude * _deviation(features) * noise).to(features.dtype)


def erase(features: torch.Tensor, probability: float, rng: np.random.Generator) -> torch.Tensor:
    """Sets one rectangle of an example to the example's mean.

    Zhong et al. (2020). Random Erasing Data Augmentation. AAAI, doi 10.1609/aaai.v34i07.7000. Rectangles take 2 to
    33 % of the area, and their height is 0.3 to 3.3 of their width, unless the spectrogram is too small for it.

    Args:
        features: ``(B, n_mels, n_frames)``.
        probability: that an example has its rectangle.
        rng: where rectangles come from.
    """
    batch, mels, frames = features.shape
    chosen = rng.random(batch) < probability
    area = mels * frames * rng.uniform(*_ERASED, batch)
    aspect = np.exp(rng.uniform(math.log(_ASPECT[0]), math.log(_ASPECT[1]), batch))
    high = np.clip(np.rint(np.sqrt(area * aspect)), 1, mels).astype(np.int64) * chosen
    wide = np.clip(np.rint(np.sqrt(area / aspect)), 1, frames).astype(np.int64)
    top = (rng.random(batch) * (mels - high + 1)).astype(np.int64)
    left = (rng.random(batch) * (frames - wide + 1)).astype(np.int64)
    inside = box_mask(features.shape, top, top + high, left, left + wide)
    mean = features.double().mean(dim=(1, 2), keepdim=True).to(features.dtype)
    return torch.where(inside.to(features.device), mean, features)


def resize(images: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Scales pictures ``(B, channels, n_mels, n_frames)`` without aliasing; where they have the size, it is they."""
    if images.shape[-2:] == (height, width):
        return images
    return F.interpolate(images, (height, width), mode="bilinear", antialias=True, align_corners=False)


def _deviation(features: torch.Tensor) -> torch.Tensor:
    """Standard deviation of each example, ``(B, 1, 1)``; in float32 at least, where squares of float16 overflow."""
    exact = features if features.dtype == torch.float64 else features.float()
    centred = exact - exact.mean(dim=(1, 2), keepdim=True)
    return centred.square().mean(dim=(1, 2), keepdim=True).sqrt()  # an eighth of the time of torch's own on a CPU
