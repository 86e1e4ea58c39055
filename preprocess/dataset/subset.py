"""A fixed, stratified part of a data set: the same N images every time, spread evenly over the classes."""

import hashlib
from dataclasses import replace

from pipeline.errors import BuildError
from preprocess.dataset.listing import Image, Listing, identity


def stratified(listing: Listing, n: int) -> Listing:
    """Choose `n` images, still sorted by name. BuildError where there are not so many.

    Classes differ by one image at most, as far as they have them, and a smaller choice is a part of a larger
    one. The choice depends on names and labels alone: a hash orders the images of a class, and the classes
    take turns.
    """
    if not 1 <= n <= len(listing.images):
        raise BuildError(
            f"--limit={n}: the data set has {len(listing.images)} images; expected 1..{len(listing.images)}"
        )
    by_class: dict[int, list[tuple[str, Image]]] = {}
    for image in listing.images:
        by_class.setdefault(image.label, []).append((_hash(image.name), image))
    turns = []
    for label, members in by_class.items():
        members.sort()
        turns += [(turn, _hash(f"class {label}"), image) for turn, (_, image) in enumerate(members)]
    return _part(listing, tuple(sorted(image for _, _, image in sorted(turns)[:n])))


def by_name(listing: Listing, n: int) -> Listing:
    """Choose `n` images, still sorted by name, whatever their labels are: the same ones with a right and with
    a wrong label file.
    """
    images = tuple(sorted(sorted(listing.images, key=lambda image: _hash(image.name))[:n]))
    return _part(listing, images)


def _part(listing: Listing, images: tuple[Image, ...]) -> Listing:
    paths = [f"{listing.root}/{image.path}" for image in images]
    stats = {path: listing.stats[path] for path in paths if path in listing.stats}
    return replace(listing, images=images, identity=identity(images), stats=stats)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
