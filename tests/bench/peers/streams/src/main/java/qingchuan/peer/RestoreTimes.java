package qingchuan.peer;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.processor.StateRestoreListener;

/** Says how long each partition's state took to come back, in the words that the benchmark reads. */
final class RestoreTimes implements StateRestoreListener {
  private final Map<Integer, Long> began = new ConcurrentHashMap<>();

  @Override
  public void onRestoreStart(TopicPartition partition, String store, long from, long to) {
    began.put(partition.partition(), System.nanoTime());
  }

  @Override
  public void onBatchRestored(TopicPartition partition, String store, long to, long entries) {}

  @Override
  public void onRestoreEnd(TopicPartition partition, String store, long entries) {
    final double seconds = (System.nanoTime() - began.get(partition.partition())) / 1e9;
    System.out.printf("partition %d restored: %d entries in %.3f s%n", partition.partition(), entries, seconds);
  }
}
