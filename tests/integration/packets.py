"""Records of `readings` as bytes, written by hand from proto/qingchuan/v1/input.proto: what no reader or builder of
ours would ever write can be written, too."""

FACTORS = {"PM2.5": 1, "PM10": 2, "SO2": 3, "NO2": 4, "CO": 5, "O3": 6}
UG, MG = 1, 2
REALTIME, MINUTE, HOUR = 1, 2, 3
WALL, FED = 1, 2


def varint(n):
    n &= (1 << 64) - 1
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def number(field, n):
    return varint(field << 3) + varint(n)


def block(field, content):
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


def zigzag(n):
    return varint(n * 2 if n >= 0 else -n * 2 - 1)


def column(factor, values, unit=UG, decimals=1, flags="", code=""):
    packed = b"".join(zigzag(v) for v in values)
    out = number(1, FACTORS.get(factor, factor)) + number(2, unit) + number(3, decimals) + block(4, packed)
    if flags:
        out += block(5, flags)
    return out + (block(6, code) if code else b"")


def batch(site, start_ms, columns, received_ms=None, source=MINUTE, step_s=60):
    received_ms = start_ms + step_s * 1000 if received_ms is None else received_ms
    content = block(1, site) + number(2, received_ms) + number(4, source) + number(5, start_ms) + number(6, step_s)
    return block(1, content + b"".join(block(7, c) for c in columns))


def register(site, region="fed", root="fed"):
    return block(3, block(1, site) + number(2, 1) + number(3, 2) + block(4, region) + block(5, root) + block(6, site))


def tick(now_ms):
    return block(4, number(1, now_ms))


def tick_key(partition):
    return f"@tick||{partition}".encode()
