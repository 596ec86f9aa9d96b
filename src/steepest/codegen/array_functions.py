"""The array functions that formulas are written in (`rules/arrays.py`), as each framework's source.

What a formula needs of them stands before the class that is written out.
"""

TORCH = {
    "sqrt": "def sqrt(x):\n    return x.sqrt() if torch.is_tensor(x) else x**0.5\n",
    "log1p": "def log1p(x):\n    return torch.log1p(x) if torch.is_tensor(x) else math.log1p(x)\n",
    "expm1": "def expm1(x):\n    return torch.expm1(x) if torch.is_tensor(x) else math.expm1(x)\n",
    "sign": "sign = torch.sign\n",
    "absolute": "absolute = torch.abs\n",
    "maximum": "def maximum(x, y):\n"
    "    return torch.maximum(x, y) if torch.is_tensor(x) else max(x, y)\n",
    "minimum": "def minimum(x, y):\n"
    "    return torch.minimum(x, y) if torch.is_tensor(x) else min(x, y)\n",
    "where": "def where(condition, x, y):\n"
    "    if torch.is_tensor(condition):\n"
    "        return torch.where(condition, x, y)\n"
    "    return x if condition else y\n",
    "mean": "def mean(x, axis):\n    return x.mean(dim=axis, keepdim=True)\n",
    "total": "total = torch.sum\n",
    "norm": "def norm(x):\n    return (x * x).sum().sqrt()\n",
    "filled": "def filled(x, value):\n    return torch.full_like(x, value)\n",
    "one_number": "def one_number(x, value):\n"
    "    return torch.tensor(value, dtype=x.dtype, device=x.device)\n",
    "transposed": "def transposed(x):\n    return x.mT\n",
    "fan_in_and_out": "def fan_in_and_out(x):\n    return x.shape[0], x.shape[1]\n",
    "size": "def size(x):\n    return x.numel()\n",
    "either": "def either(condition, yes, no):\n    return yes() if condition else no()\n",
    "identity": "def identity(x, length):\n"
    "    return torch.eye(length, dtype=x.dtype, device=x.device)\n",
    "multiplied": "def multiplied(x, matrix, axis):\n"
    "    return torch.tensordot(x, matrix, dims=([axis], [0])).movedim(-1, axis)\n",
    "gram": "def gram(x, axis):\n"
    "    others = [i for i in range(x.ndim) if i != axis]\n"
    "    return torch.tensordot(x, x, dims=(others, others))\n",
    "taken": "def taken(x, order, axis):\n    return x.index_select(axis, order)\n",
    "descending": "def descending(x):\n    return torch.argsort(-x)\n",
    "eigenbasis": "def eigenbasis(x):\n"
    "    wide = torch.nan_to_num(x if x.dtype == torch.float64 else x.float(), 0.0, 0.0, 0.0)\n"
    "    wide = wide + 1e-30 * torch.eye(len(wide), dtype=wide.dtype, device=wide.device)\n"
    "    return torch.linalg.eigh(wide)[1].flip(1).to(x.dtype)\n",
    "orthonormal": "def orthonormal(x):\n"
    "    wide = x if x.dtype == torch.float64 else x.float()\n"
    "    return torch.linalg.qr(wide)[0].to(x.dtype)\n",
}

KERAS = {
    "sqrt": "sqrt = keras.ops.sqrt\n",
    "log1p": "log1p = keras.ops.log1p\n",
    "expm1": "expm1 = keras.ops.expm1\n",
    "sign": "sign = keras.ops.sign\n",
    "absolute": "absolute = keras.ops.abs\n",
    "maximum": "maximum = keras.ops.maximum\n",
    "minimum": "minimum = keras.ops.minimum\n",
    "where": "where = keras.ops.where\n",
    "mean": "def mean(x, axis):\n    return keras.ops.mean(x, axis=axis, keepdims=True)\n",
    "total": "total = keras.ops.sum\n",
    "norm": "def norm(x):\n    return keras.ops.sqrt(keras.ops.sum(x * x))\n",
    "filled": "def filled(x, value):\n"
    "    return keras.ops.full(x.shape, value, dtype=keras.backend.standardize_dtype(x.dtype))\n",
    "one_number": "def one_number(x, value):\n"
    "    return keras.ops.full((), value, dtype=keras.backend.standardize_dtype(x.dtype))\n",
    "transposed": "def transposed(x):\n    return keras.ops.swapaxes(x, -1, -2)\n",
    "fan_in_and_out": "def fan_in_and_out(x):\n    return x.shape[0], x.shape[1]\n",
    "size": "def size(x):\n    return math.prod(x.shape)\n",
    "either": "either = keras.ops.cond\n",
    "identity": "def identity(x, length):\n"
    "    return keras.ops.eye(length, dtype=keras.backend.standardize_dtype(x.dtype))\n",
    "multiplied": "def multiplied(x, matrix, axis):\n"
    "    product = keras.ops.tensordot(x, matrix, axes=[[axis], [0]])\n"
    "    return keras.ops.moveaxis(product, -1, axis)\n",
    "gram": "def gram(x, axis):\n"
    "    others = [i for i in range(len(x.shape)) if i != axis]\n"
    "    return keras.ops.tensordot(x, x, axes=[others, others])\n",
    "taken": "def taken(x, order, axis):\n    return keras.ops.take(x, order, axis=axis)\n",
    "descending": "def descending(x):\n    return keras.ops.argsort(-x)\n",
    "eigenbasis": "def eigenbasis(x):\n"
    "    kind = keras.backend.standardize_dtype(x.dtype)\n"
    '    wide = keras.ops.cast(x, "float64" if kind == "float64" else "float32")\n'
    "    wide = keras.ops.nan_to_num(wide, nan=0.0, posinf=0.0, neginf=0.0)\n"
    "    wide = wide + 1e-30 * keras.ops.eye(wide.shape[0], dtype=wide.dtype)\n"
    "    return keras.ops.cast(keras.ops.flip(keras.ops.eigh(wide)[1], axis=1), kind)\n",
    "orthonormal": "def orthonormal(x):\n"
    "    kind = keras.backend.standardize_dtype(x.dtype)\n"
    '    wide = keras.ops.cast(x, "float64" if kind == "float64" else "float32")\n'
    "    return keras.ops.cast(keras.ops.qr(wide)[0], kind)\n",
}

OPTAX = {
    "sqrt": "sqrt = jnp.sqrt\n",
    "log1p": "log1p = jnp.log1p\n",
    "expm1": "expm1 = jnp.expm1\n",
    "sign": "sign = jnp.sign\n",
    "absolute": "absolute = jnp.abs\n",
    "maximum": "maximum = jnp.maximum\n",
    "minimum": "minimum = jnp.minimum\n",
    "where": "where = jnp.where\n",
    "mean": "def mean(x, axis):\n    return x.mean(axis=axis, keepdims=True)\n",
    "total": "total = jnp.sum\n",
    "norm": "def norm(x):\n    return jnp.sqrt(jnp.sum(x * x))\n",
    "filled": "filled = jnp.full_like\n",
    "one_number": "def one_number(x, value):\n    return jnp.asarray(value, x.dtype)\n",
    "transposed": "def transposed(x):\n    return jnp.swapaxes(x, -1, -2)\n",
    "fan_in_and_out": "def fan_in_and_out(x):\n    return x.shape[0], x.shape[1]\n",
    "size": "def size(x):\n    return x.size\n",
    "either": "either = jax.lax.cond\n",
    "identity": "def identity(x, length):\n    return jnp.eye(length, dtype=x.dtype)\n",
    "multiplied": "def multiplied(x, matrix, axis):\n"
    "    return jnp.moveaxis(jnp.tensordot(x, matrix, axes=((axis,), (0,))), -1, axis)\n",
    "gram": "def gram(x, axis):\n"
    "    others = [i for i in range(x.ndim) if i != axis]\n"
    "    return jnp.tensordot(x, x, axes=(others, others))\n",
    "taken": "def taken(x, order, axis):\n    return jnp.take(x, order, axis=axis)\n",
    "descending": "def descending(x):\n    return jnp.argsort(-x)\n",
    "eigenbasis": "def eigenbasis(x):\n"
    "    wide = x if x.dtype.itemsize >= 4 else x.astype(jnp.float32)\n"
    "    wide = jnp.nan_to_num(wide, nan=0.0, posinf=0.0, neginf=0.0)\n"
    "    wide = wide + 1e-30 * jnp.eye(len(wide), dtype=wide.dtype)\n"
    "    return jnp.linalg.eigh(wide)[1][:, ::-1].astype(x.dtype)\n",
    "orthonormal": "def orthonormal(x):\n"
    "    wide = x if x.dtype.itemsize >= 4 else x.astype(jnp.float32)\n"
    "    return jnp.linalg.qr(wide)[0].astype(x.dtype)\n",
}
