package qingchuan.peer;

import com.google.protobuf.InvalidProtocolBufferException;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import qingchuan.v1.Domain.Factor;
import qingchuan.v1.Domain.Source;
import qingchuan.v1.Domain.Status;
import qingchuan.v1.Domain.Unit;
import qingchuan.v1.Domain.Window;
import qingchuan.v1.InputOuterClass.Column;
import qingchuan.v1.InputOuterClass.Input;
import qingchuan.v1.InputOuterClass.ReadingBatch;
import qingchuan.v1.Output.Mean;
import qingchuan.v1.Output.MeanRecord;
import qingchuan.v1.Output.Signal;
import qingchuan.v1.Output.SignalRecord;
import qingchuan.v1.Output.SignalState;

/**
 * Packets of readings to hour means and limit signals, by the rules of the engine that it is compared with: time is the
 * Tick records of the partition, an hour closes ten minutes after its end and is valid with 45 minutes, a reading above
 * the limit begins an episode at once, and ten minutes at or below 90 % of it end it.
 *
 * <p>One get and one put of the store a packet. Everything that must survive is in the store; the rest is scratch.
 */
final class MeansProcessor implements Processor<byte[], byte[], byte[], byte[]> {
  static final String STORE = "sites";
  static final String MEANS = "means";
  static final String SIGNALS = "signals";

  private static final byte[] NOW_KEY = "@now".getBytes(StandardCharsets.UTF_8); // '@' begins no site
  private static final long[] POWERS = {
    1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000
  };

  private final boolean commitOnSignal;
  private final SiteState state = new SiteState();
  private ProcessorContext<byte[], byte[]> context;
  private KeyValueStore<byte[], byte[]> store;
  private long now = Long.MIN_VALUE;
  private long closedTo = Long.MIN_VALUE;

  MeansProcessor(boolean commitOnSignal) {
    this.commitOnSignal = commitOnSignal;
  }

  @Override
  public void init(ProcessorContext<byte[], byte[]> newContext) {
    context = newContext;
    store = newContext.getStateStore(STORE);
    byte[] kept = store.get(NOW_KEY);
    if (kept != null) setNow(ByteBuffer.wrap(kept).getLong());
  }

  @Override
  public void process(Record<byte[], byte[]> record) {
    final Input input;
    try {
      input = Input.parseFrom(record.value());
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("not an Input: the benchmark writes none such", e);
    }
    switch (input.getInputCase()) {
      case BATCH -> apply(record.key(), input.getBatch());
      case TICK -> tick(input.getTick().getNowMs());
      default -> {} // Rules, Register: known beforehand; Amend: not compared
    }
  }

  private void apply(byte[] site, ReadingBatch batch) {
    state.read(store.get(site));
    final long step = batch.getStepS() * 1000L;
    SiteState.Hour hour = null;
    for (int c = 0; c < batch.getColumnsCount(); ++c) {
      final Column column = batch.getColumns(c);
      final int factor = column.getFactorValue();
      final int rows = column.getValuesCount();
      final boolean flagged = !column.getFlags().isEmpty();
      for (int row = 0; row < rows; ++row) {
        if (flagged && column.getFlags().byteAt(row) != 'N') continue;
        final long start = batch.getStartMs() + row * step;
        final long hourStart = Math.floorDiv(start, Limits.HOUR) * Limits.HOUR;
        if (hourStart + Limits.HOUR <= closedTo) continue; // late
        if (hour == null || hour.start != hourStart) hour = state.hour(hourStart);
        final long value = millionths(column.getValues(row), column.getDecimals(), column.getUnit());
        hour.add(factor, value);
        if (Limits.has(factor)) judge(batch.getSite(), factor, value, start + step);
      }
    }
    store.put(site, state.write());
  }

  /** Exact for every unit and up to six decimals of ug/m3; finer values are rounded half to even. */
  private static long millionths(long value, int decimals, Unit unit) {
    final long per =
        switch (unit) {
          case MG_M3 -> 1_000_000_000L;
          case NG_M3 -> 1_000L;
          default -> 1_000_000L;
        };
    final long power = POWERS[decimals];
    return per % power == 0 ? value * (per / power) : divideHalfEven(value * per, power);
  }

  private static long divideHalfEven(long n, long d) {
    return BigDecimal.valueOf(n).divide(BigDecimal.valueOf(d), 0, RoundingMode.HALF_EVEN).longValueExact();
  }

  private void judge(String site, int factor, long value, long at) {
    SiteState.Episode episode = null;
    for (int i = 0; i < state.episodes.size(); ++i) {
      if (state.episodes.get(i).factor == factor) episode = state.episodes.get(i);
    }
    if (episode == null) {
      if (value <= Limits.on(factor)) return;
      episode = new SiteState.Episode();
      episode.factor = factor;
      episode.began = episode.last = at;
      state.episodes.add(episode);
      signal(site, episode, SignalState.ACTIVE, value, at, "began");
      return;
    }
    if (at <= episode.last) return; // it looks forward only
    episode.last = at;
    if (value > Limits.off(factor)) {
      episode.below = SiteState.NEVER;
      return;
    }
    episode.below = Math.min(episode.below, at);
    if (at - episode.below < Limits.HOLD_OFF) return;
    state.episodes.remove(episode);
    signal(site, episode, SignalState.CLEARED, value, at, "cleared");
  }

  private void signal(String site, SiteState.Episode e, SignalState what, long value, long at, String reason) {
    final Signal.Builder signal =
        Signal.newBuilder()
            .setId("reading_over_limit/" + site + "/" + name(e.factor) + "/" + e.began)
            .setRevision(what == SignalState.ACTIVE ? 1 : 2)
            .setRule("reading_over_limit")
            .setSubject(site)
            .setFactorValue(e.factor)
            .setWindow(Window.READING)
            .setLevel(1)
            .setState(what)
            .setAtMs(at)
            .setBeganMs(e.began)
            .setValue(value)
            .setLimit(Limits.on(e.factor))
            .setReason(reason)
            .setUnit(Unit.UG_M3);
    send(SIGNALS, site, SignalRecord.newBuilder().setSignal(signal).build().toByteArray());
    if (commitOnSignal) context.commit();
  }

  private void tick(long at) {
    if (at <= now) return;
    final long before = closedTo;
    setNow(at);
    store.put(NOW_KEY, ByteBuffer.allocate(Long.BYTES).putLong(at).array());
    if (closedTo > before) closeHours();
  }

  private void setNow(long at) {
    now = at;
    closedTo = Math.floorDiv(now - Limits.CLOSE_AFTER, Limits.HOUR) * Limits.HOUR;
  }

  private void closeHours() {
    final List<KeyValue<byte[], byte[]>> changed = new ArrayList<>(); // an iterator does not like its store to change
    try (KeyValueIterator<byte[], byte[]> all = store.all()) {
      while (all.hasNext()) {
        final KeyValue<byte[], byte[]> entry = all.next();
        if (entry.key[0] == '@') continue;
        state.read(entry.value);
        if (publishClosed(new String(entry.key, StandardCharsets.UTF_8))) {
          final boolean empty = state.hours.isEmpty() && state.episodes.isEmpty();
          changed.add(KeyValue.pair(entry.key, empty ? null : state.write()));
        }
      }
    }
    for (KeyValue<byte[], byte[]> entry : changed) store.put(entry.key, entry.value);
  }

  /** Whether an hour was closed. */
  private boolean publishClosed(String site) {
    boolean any = false;
    for (int i = 0; i < state.hours.size(); ) {
      final SiteState.Hour hour = state.hours.get(i);
      if (hour.start + Limits.HOUR > closedTo) {
        ++i;
        continue;
      }
      for (int f = 1; f < SiteState.FACTORS; ++f) {
        if (hour.count[f] > 0) mean(site, hour, f);
      }
      state.drop(hour);
      any = true;
    }
    return any;
  }

  private void mean(String site, SiteState.Hour hour, int factor) {
    final long value = divideHalfEven(hour.sum[factor], hour.count[factor]);
    final boolean valid = hour.count[factor] >= Limits.VALID_MINUTES;
    final Mean.Builder mean =
        Mean.newBuilder()
            .setSite(site)
            .setFactorValue(factor)
            .setWindow(Window.H1)
            .setStartMs(hour.start)
            .setEndMs(hour.start + Limits.HOUR)
            .setValue(value)
            .setValid(valid)
            .setSum(hour.sum[factor])
            .setCount(hour.count[factor])
            .setExpected(60)
            .setMin(hour.min[factor])
            .setMax(hour.max[factor])
            .setStatus(Status.CLOSED)
            .setRevision(1)
            .setSource(Source.MINUTE);
    if (Limits.has(factor)) mean.setLimit(Limits.on(factor)).setExceeds(valid && value > Limits.on(factor));
    final String key = site + '|' + name(factor) + "|1h|" + (hour.start + Limits.HOUR);
    send(MEANS, key, MeanRecord.newBuilder().setMean(mean).build().toByteArray());
  }

  private static String name(int factor) {
    return switch (Factor.forNumber(factor)) {
      case PM2_5 -> "PM2.5";
      case NOX -> "NOx";
      default -> Factor.forNumber(factor).name();
    };
  }

  private void send(String sink, String key, byte[] value) {
    context.forward(
        new Record<>(key.getBytes(StandardCharsets.UTF_8), value, context.currentSystemTimeMs()), sink);
  }
}
