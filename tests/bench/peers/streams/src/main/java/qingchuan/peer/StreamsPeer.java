package qingchuan.peer;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.state.KeyValueBytesStoreSupplier;
import org.apache.kafka.streams.state.Stores;

/**
 * The job as a process: {@code StreamsPeer --option value ...}. It says "running" on standard output when it has its
 * partitions and its state, and ends on SIGTERM. Why each setting is what it is: tests/bench/peers/README.md.
 */
public final class StreamsPeer {
  private final Map<String, String> options = new HashMap<>();

  private StreamsPeer(String[] args) {
    options.put("brokers", "127.0.0.1:9092");
    options.put("application", "streams-peer");
    options.put("directory", "");
    options.put("input", "readings");
    options.put("means", "peer-means");
    options.put("signals", "peer-signals");
    options.put("threads", "1");
    options.put("commit-ms", "100");
    options.put("commit-on-signal", "no");
    options.put("store", "memory");
    options.put("cache-mb", "128");
    options.put("linger-ms", "100");
    options.put("poll-ms", "100");
    final Set<String> known = Set.copyOf(options.keySet());
    for (int i = 0; i < args.length; i += 2) {
      final String name = args[i].startsWith("--") ? args[i].substring(2) : "";
      if (!known.contains(name) || i + 1 == args.length) {
        throw new IllegalArgumentException("unknown option or no value: " + args[i] + "; known: " + known);
      }
      options.put(name, args[i + 1]);
    }
    if (options.get("directory").isEmpty()) throw new IllegalArgumentException("--directory is needed");
  }

  private String get(String name) {
    return options.get(name);
  }

  private Properties settings() {
    final Properties p = new Properties();
    p.put(StreamsConfig.APPLICATION_ID_CONFIG, get("application"));
    p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, get("brokers"));
    p.put(StreamsConfig.STATE_DIR_CONFIG, get("directory"));
    p.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    p.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, get("threads"));
    p.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, get("commit-ms"));
    p.put(StreamsConfig.POLL_MS_CONFIG, get("poll-ms"));
    p.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, Long.parseLong(get("cache-mb")) << 20);
    p.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 10_000);
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 10_000);
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG), 4 << 20);
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG), 6_000);
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG), 1_500);
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.RECEIVE_BUFFER_CONFIG), 1 << 20);
    p.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
    p.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), get("linger-ms"));
    p.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 512 << 10);
    p.put(StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), 64 << 20);
    p.put(StreamsConfig.producerPrefix(ProducerConfig.RETRY_BACKOFF_MS_CONFIG), 5);
    p.put(StreamsConfig.producerPrefix(ProducerConfig.TRANSACTION_TIMEOUT_CONFIG), 10_000);
    return p;
  }

  private Topology topology() {
    final boolean commitOnSignal = get("commit-on-signal").equals("yes");
    final KeyValueBytesStoreSupplier kind =
        get("store").equals("rocksdb")
            ? Stores.persistentKeyValueStore(MeansProcessor.STORE)
            : Stores.inMemoryKeyValueStore(MeansProcessor.STORE);
    final Topology topology = new Topology();
    topology.addSource("readings", new ByteArrayDeserializer(), new ByteArrayDeserializer(), get("input"));
    topology.addProcessor("hours", () -> new MeansProcessor(commitOnSignal), "readings");
    topology.addStateStore(
        Stores.keyValueStoreBuilder(kind, Serdes.ByteArray(), Serdes.ByteArray())
            .withCachingEnabled()
            .withLoggingEnabled(Map.of()),
        "hours");
    topology.addSink(MeansProcessor.MEANS, get("means"), new ByteArraySerializer(), new ByteArraySerializer(), "hours");
    topology.addSink(
        MeansProcessor.SIGNALS, get("signals"), new ByteArraySerializer(), new ByteArraySerializer(), "hours");
    return topology;
  }

  private int run() throws InterruptedException {
    final CountDownLatch ended = new CountDownLatch(1);
    final boolean[] failed = {false};
    final KafkaStreams streams = new KafkaStreams(topology(), settings());
    streams.setUncaughtExceptionHandler(
        e -> {
          e.printStackTrace();
          failed[0] = true;
          ended.countDown();
          return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
    streams.setStateListener(
        (now, before) -> {
          if (now == KafkaStreams.State.RUNNING) System.out.println("running");
        });
    streams.setGlobalStateRestoreListener(new RestoreTimes());
    final CountDownLatch closed = new CountDownLatch(1);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  ended.countDown();
                  try {
                    closed.await();
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                }));
    streams.start();
    ended.await();
    streams.close(Duration.ofSeconds(20));
    closed.countDown();
    return failed[0] ? 1 : 0;
  }

  public static void main(String[] args) throws InterruptedException {
    final StreamsPeer peer;
    try {
      peer = new StreamsPeer(args);
    } catch (IllegalArgumentException e) {
      System.err.println(e.getMessage());
      System.exit(2);
      return;
    }
    final int code = peer.run();
    if (code != 0) Runtime.getRuntime().halt(code);
  }
}
