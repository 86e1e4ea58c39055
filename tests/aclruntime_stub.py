"""A stand-in for the module aclruntime, in either of its builds, that keeps what it was asked and fed."""

import ctypes
import importlib.machinery
import os
import types

import numpy as np

UINT8, FLOAT32 = ("image", 4, [2, 4, 4, 3], 96), ("image", 0, [2, 3, 4, 4], 384)


class Stub:
    """A stand-in for the module aclruntime, of either build: run() sums each picture's bytes or numbers."""

    def __init__(
        self,
        build="tools",
        inputs=(UINT8,),
        outputs=("Gemm_85:0:class",),
        out_dtype=np.float32,
        fails=None,
        says="",
    ):
        self.calls: list[str] = []
        self.fed: list[np.ndarray] = []
        stub = self

        class InferenceSession:
            def __init__(self, path, device, options):
                os.write(1, b"[INFO] load model success\n")
                ctypes.CDLL(None).printf(b"[INFO] still in the C library's buffer\n")
                if fails:
                    os.write(1, says.encode())
                    raise RuntimeError(fails)
                stub.calls.append(f"open {device} {options.log_level}")
                self.times = []

            def get_inputs(self):
                names = ("name", "datatype", "shape", "realsize")
                return [types.SimpleNamespace(**dict(zip(names, values, strict=True))) for values in inputs]

            def get_outputs(self):
                return [types.SimpleNamespace(name=name) for name in outputs]

            def run(self, names, feeds):
                assert names == list(outputs)
                if stub.run_error:
                    raise RuntimeError(stub.run_error)
                address, size = feeds[0]
                raw = np.frombuffer(
                    ctypes.string_at(address, size), np.uint8 if inputs[0][1] == 4 else np.float32
                )
                stub.fed.append(raw)
                self.times.append((10.0, 12.5) if build == "ait" else 2.5)
                sums = raw.reshape(2, -1).sum(axis=1).astype(np.float64)
                return [Tensor(np.stack([sums, -sums], axis=1).astype(out_dtype).reshape(2, 2, 1, 1))]

            def sumary(self):
                return types.SimpleNamespace(exec_time_list=list(self.times))

            def reset_sumaryinfo(self):
                self.times.clear()

            def finalize(self):
                raise AssertionError("finalize() poisons the process")

            def __del__(self):
                stub.calls.append("del")

        class Tensor:
            def __init__(self, array):
                self.array, self.host = array, False

            def to_host(self):
                self.host = True

            def __array__(self, dtype=None, copy=None):
                if not self.host:
                    raise RuntimeError("tensor is in npu. can't convert to numpy array")
                return self.array

        if build == "ait":
            InferenceSession.free_resource = lambda self: stub.calls.append("free")
        self.run_error = ""
        self.module = types.ModuleType("aclruntime")
        self.module.__spec__ = importlib.machinery.ModuleSpec("aclruntime", None, origin=__file__)
        vars(self.module).update(
            InferenceSession=InferenceSession,
            BaseTensor=lambda address, size: (address, size),
            session_options=lambda: types.SimpleNamespace(log_level=2),
        )
