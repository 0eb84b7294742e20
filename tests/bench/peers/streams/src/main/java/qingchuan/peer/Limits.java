package qingchuan.peer;

import qingchuan.v1.Domain.Factor;

/**
 * GB 3095-2026, 1 h limits of class 2 areas until 2030, in millionths of ug/m3, by factor number; the bench compares
 * the signals of both sides, so a table that drifted from config/standards would be found. The rest is that of
 * config/rules/signals.yaml.
 */
final class Limits {
  static final long MINUTE = 60_000L;
  static final long HOUR = 60 * MINUTE;
  static final long CLOSE_AFTER = 10 * MINUTE;
  static final int VALID_MINUTES = 45;
  static final long HOLD_OFF = 10 * MINUTE;

  private static final long NONE = Long.MAX_VALUE;
  private static final long[] ON = new long[SiteState.FACTORS];
  private static final long[] OFF = new long[SiteState.FACTORS];

  static {
    java.util.Arrays.fill(ON, NONE);
    ON[Factor.SO2.getNumber()] = 500_000_000L;
    ON[Factor.NO2.getNumber()] = 200_000_000L;
    ON[Factor.CO.getNumber()] = 10_000_000_000L;
    ON[Factor.O3.getNumber()] = 200_000_000L;
    ON[Factor.NOX.getNumber()] = 250_000_000L;
    for (int f = 0; f < ON.length; ++f) OFF[f] = ON[f] == NONE ? NONE : ON[f] - ON[f] / 10;
  }

  private Limits() {}

  static boolean has(int factor) {
    return ON[factor] != NONE;
  }

  static long on(int factor) {
    return ON[factor];
  }

  static long off(int factor) {
    return OFF[factor];
  }
}
