"""The ways of preparing pictures that bench.py times. A task is [(number, path)], and what is made of it goes
to the folder `out`; DALI does all of them in one process, in memory. Each imports what it needs: no
environment has it all.
"""

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def seed(paths, out):
    """The seed's per-image work."""
    import numpy as np
    from PIL import Image

    mean, std = np.array(MEAN, np.float32)[:, None, None], np.array(STD, np.float32)[:, None, None]
    for number, path in paths:
        image = Image.open(path).convert("RGB")
        width, height = image.size
        size = (256, int(256 * height / width)) if width < height else (int(256 * width / height), 256)
        image = image.resize(size, Image.Resampling.BILINEAR)
        left, top = round((size[0] - 224) / 2), round((size[1] - 224) / 2)
        values = np.array(image.crop((left, top, left + 224, top + 224)), np.float32).transpose(2, 0, 1)
        values = (values / 255.0 - mean) / std
        values.tofile(f"{out}/{number:08d}.bin")


def decode(paths, out):
    """Reading and decoding alone, with the decoder that ours uses."""
    from preprocess.pixels import decode

    for _, path in paths:
        decode.decoded(decode.read(path))


def simplejpeg(paths, out):
    """The same with another decoder."""
    import simplejpeg

    for _, path in paths:
        with open(path, "rb", buffering=0) as file:
            simplejpeg.decode_jpeg(file.read())


def ours(paths, out, input="uint8", pixels="exact", box=False):
    """The product's action."""
    from preprocess import shards
    from preprocess.pixels import decode, resize_pillow

    if box:
        resize_pillow._resample = decode._jpeg = None
    values = {"mean": MEAN, "std": STD} if input == "float32" else {}
    shards.write(
        (f"{out}/shard-{paths[0][0]:08d}.npy",),
        images=[path for _, path in paths],
        resize=256,
        crop=224,
        input=input,
        pixels=pixels,
        **values,
    )


def exact(paths, out):
    ours(paths, out)


def fast(paths, out):
    ours(paths, out, pixels="fast")


def exact_float32(paths, out):
    ours(paths, out, input="float32")


def exact_pillow(paths, out):
    ours(paths, out, box=True)


def fast_box(paths, out):
    ours(paths, out, pixels="fast", box=True)


def torchvision(paths, out):
    """torchvision's transforms on Pillow pictures, float32 .npy a task."""
    import torch
    from PIL import Image
    from torchvision import transforms

    torch.set_num_threads(1)
    steps = transforms.Compose(
        [
            transforms.Resize(256),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ]
    )
    rows = [steps(Image.open(path).convert("RGB")) for _, path in paths]
    torch.save(torch.stack(rows), f"{out}/rows-{paths[0][0]:08d}.pt")


METHODS = {
    "seed": seed,
    "decode": decode,
    "simplejpeg": simplejpeg,
    "exact": exact,
    "fast": fast,
    "exact-float32": exact_float32,
    "exact-pillow": exact_pillow,
    "fast-box": fast_box,
    "torchvision": torchvision,
}


def dali(paths, workers):
    """DALI's CPU pipeline: its own threads in one process."""
    import numpy as np
    from nvidia.dali import fn, pipeline_def, types

    @pipeline_def(batch_size=64, num_threads=workers, device_id=None)
    def pipeline():
        data, _ = fn.readers.file(files=[path for _, path in paths])
        images = fn.decoders.image(data, device="cpu", output_type=types.RGB)
        images = fn.resize(images, resize_shorter=256, antialias=True)
        return fn.crop_mirror_normalize(
            images,
            crop=(224, 224),
            mean=[255 * m for m in MEAN],
            std=[255 * s for s in STD],
            dtype=types.FLOAT,
        )

    pipe = pipeline()
    pipe.build()
    for _ in range(-(-len(paths) // 64)):
        np.stack([np.asarray(pipe.run()[0].at(0))])
