package qingchuan.peer;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * All that is known of one site, as one value of the state store: the open hours with their exact sums, and the
 * episodes that are going on. One value, because the cost is in the accesses to the store, not in its bytes.
 *
 * <p>One object is reused for every packet of a task: {@link #read} replaces what it held.
 */
final class SiteState {
  static final int FACTORS = 11; // by the number of qingchuan.v1.Factor, 1 to 10
  static final long NEVER = Long.MAX_VALUE;

  /** Sums of one hour; arrays by factor. */
  static final class Hour {
    long start;
    final long[] sum = new long[FACTORS];
    final long[] min = new long[FACTORS];
    final long[] max = new long[FACTORS];
    final int[] count = new int[FACTORS];

    void clear(long newStart) {
      start = newStart;
      java.util.Arrays.fill(count, 0);
    }

    void add(int factor, long value) {
      if (count[factor]++ == 0) {
        sum[factor] = min[factor] = max[factor] = value;
        return;
      }
      sum[factor] += value;
      if (value < min[factor]) min[factor] = value;
      if (value > max[factor]) max[factor] = value;
    }
  }

  /** An exceedance that goes on; below: since when it has been under the dead-band. */
  static final class Episode {
    int factor;
    long began;
    long last;
    long below = NEVER;
  }

  private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final int EPISODE_BYTES = 25;
  private static final int SERIES_BYTES = 29;

  final List<Hour> hours = new ArrayList<>();
  final List<Episode> episodes = new ArrayList<>();
  private final List<Hour> spare = new ArrayList<>();

  Hour hour(long start) {
    for (int i = hours.size() - 1; i >= 0; --i) {
      if (hours.get(i).start == start) return hours.get(i);
    }
    Hour made = takeSpare();
    made.clear(start);
    hours.add(made);
    return made;
  }

  void drop(Hour hour) {
    hours.remove(hour);
    spare.add(hour);
  }

  private Hour takeSpare() {
    return spare.isEmpty() ? new Hour() : spare.remove(spare.size() - 1);
  }

  void read(byte[] bytes) {
    spare.addAll(hours);
    hours.clear();
    episodes.clear();
    if (bytes == null) return;
    int at = 0;
    for (int n = bytes[at++]; n > 0; --n) {
      Episode e = new Episode();
      e.factor = bytes[at];
      e.began = (long) LONG.get(bytes, at + 1);
      e.last = (long) LONG.get(bytes, at + 9);
      e.below = (long) LONG.get(bytes, at + 17);
      episodes.add(e);
      at += EPISODE_BYTES;
    }
    while (at < bytes.length) {
      Hour h = takeSpare();
      h.clear((long) LONG.get(bytes, at));
      at += 8;
      for (int n = bytes[at++]; n > 0; --n) {
        int f = bytes[at];
        h.count[f] = (int) INT.get(bytes, at + 1);
        h.sum[f] = (long) LONG.get(bytes, at + 5);
        h.min[f] = (long) LONG.get(bytes, at + 13);
        h.max[f] = (long) LONG.get(bytes, at + 21);
        at += SERIES_BYTES;
      }
      hours.add(h);
    }
  }

  byte[] write() {
    int size = 1 + episodes.size() * EPISODE_BYTES;
    for (Hour h : hours) size += 9 + seriesOf(h) * SERIES_BYTES;
    byte[] bytes = new byte[size];
    int at = 0;
    bytes[at++] = (byte) episodes.size();
    for (Episode e : episodes) {
      bytes[at] = (byte) e.factor;
      LONG.set(bytes, at + 1, e.began);
      LONG.set(bytes, at + 9, e.last);
      LONG.set(bytes, at + 17, e.below);
      at += EPISODE_BYTES;
    }
    for (Hour h : hours) {
      LONG.set(bytes, at, h.start);
      at += 8;
      bytes[at++] = (byte) seriesOf(h);
      for (int f = 1; f < FACTORS; ++f) {
        if (h.count[f] == 0) continue;
        bytes[at] = (byte) f;
        INT.set(bytes, at + 1, h.count[f]);
        LONG.set(bytes, at + 5, h.sum[f]);
        LONG.set(bytes, at + 13, h.min[f]);
        LONG.set(bytes, at + 21, h.max[f]);
        at += SERIES_BYTES;
      }
    }
    return bytes;
  }

  private static int seriesOf(Hour h) {
    int n = 0;
    for (int f = 1; f < FACTORS; ++f) {
      if (h.count[f] != 0) ++n;
    }
    return n;
  }
}
