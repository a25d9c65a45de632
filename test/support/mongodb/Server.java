import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.wire.message.MongoMessage;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;

/**
 * A server that speaks MongoDB's wire protocol and keeps everything in memory, for tests. Prints its URI when it
 * listens, and ends when its standard input does.
 *
 * <p>It takes one command that MongoDB does not have, by which a test says what becomes of the next commands of its
 * database:
 *
 * <pre>
 * { testControl: 'fault', command: 'insert', collection: 'Span', times: 1,
 *   delayMillis: 0, execute: true, reply: { … }, disconnect: false }
 * { testControl: 'clear' }
 * </pre>
 *
 * <p>The next {@code times} commands of that name (and collection, if one is named) wait for {@code delayMillis}, are
 * executed if {@code execute} says so, and are answered with the fields of {@code reply}, which stand over those of the
 * real answer, or with the end of the connection.
 */
public final class Server {
  private static final class Version implements MongoVersion {
    @Override
    public List<Integer> getVersionArray() {
      return List.of(7, 0, 0);
    }

    @Override
    public int getWireVersion() {
      return 21;
    }
  }

  private static final class Fault {
    final String database;
    final Document settings;
    int times;

    Fault(String database, Document settings) {
      this.database = database;
      this.settings = settings;
      this.times = settings.get("times") instanceof Number number ? number.intValue() : 1;
    }

    boolean meets(MongoMessage message) {
      Document document = message.getDocument();
      String command = document.keySet().iterator().next();
      Object collection = settings.get("collection");
      return database.equals(message.getDatabaseName())
          && command.equals(settings.get("command"))
          && (collection == null || collection.equals(document.get(command)));
    }
  }

  private static final class FaultyBackend extends MemoryBackend {
    private final List<Fault> faults = new ArrayList<>();

    @Override
    public Document handleMessage(MongoMessage message) {
      Document document = message.getDocument();
      if (document.containsKey("testControl")) return control(message.getDatabaseName(), document);
      Fault fault = take(message);
      return fault == null ? super.handleMessage(message) : meet(fault.settings, message);
    }

    private synchronized Document control(String database, Document document) {
      if ("fault".equals(document.get("testControl"))) faults.add(new Fault(database, document));
      else faults.removeIf(fault -> fault.database.equals(database));
      return new Document("ok", 1.0);
    }

    private synchronized Fault take(MongoMessage message) {
      for (Fault fault : faults) {
        if (!fault.meets(message)) continue;
        fault.times -= 1;
        if (fault.times == 0) faults.remove(fault);
        return fault;
      }
      return null;
    }

    private Document meet(Document settings, MongoMessage message) {
      if (settings.get("delayMillis") instanceof Number delay) sleep(delay.longValue());
      Document answer = new Document();
      if (Boolean.TRUE.equals(settings.get("execute"))) answer.putAll(super.handleMessage(message));
      if (settings.get("reply") instanceof Document reply) answer.putAll(reply);
      if (Boolean.TRUE.equals(settings.get("disconnect"))) {
        message.getChannel().close().syncUninterruptibly();
      }
      return answer;
    }

    private static void sleep(long millis) {
      try {
        Thread.sleep(millis);
      } catch (InterruptedException interruption) {
        Thread.currentThread().interrupt();
      }
    }
  }

  public static void main(String[] arguments) throws Exception {
    FaultyBackend backend = new FaultyBackend();
    backend.version(new Version());
    MongoServer server = new MongoServer(backend);
    server.bind("127.0.0.1", arguments.length > 0 ? Integer.parseInt(arguments[0]) : 0);
    InetSocketAddress address = server.getLocalAddress();
    System.out.println("mongodb://127.0.0.1:" + address.getPort() + "/test");
    while (System.in.read() != -1) {}
    server.shutdownNow();
    System.exit(0);
  }
}
