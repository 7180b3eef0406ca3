import com.zaxxer.hikari.HikariDataSource;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.discovery.Choice;
import dev.pgkeeper.discovery.Discovery;
import dev.pgkeeper.discovery.Registration;
import dev.pgkeeper.discovery.ServiceCall;
import dev.pgkeeper.discovery.ServiceInstance;
import dev.pgkeeper.discovery.ServiceRegistry;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.List;

/**
 * Which instance of a service do I call? Run it in several terminals, with the URL of a database
 * and a port each: every process is an instance, and knows the others. Enter calls the next one in
 * turn; kill one of them with kill -9, or end it with "quit".
 */
public class ServiceDiscovery {
  public static void main(String[] arguments) throws Exception {
    int port = Integer.parseInt(arguments[1]);
    try (HikariDataSource dataSource = new HikariDataSource()) {
      dataSource.setJdbcUrl(arguments[0]);
      Keeper.migrate(dataSource);
      try (Keeper keeper = Keeper.connect(dataSource)) {
        run(keeper, port);
      }
    }
  }

  private static void run(Keeper keeper, int port) throws Exception {
    ServiceRegistry services = keeper.services("/services");

    // There as long as this process is, once, also after a lost session.
    ServiceInstance me = ServiceInstance.at("localhost", port).withMetadata("version", "1.2");
    try (Registration registration = services.register("invoices", me);
        Discovery invoices = services.discover("invoices")) {

      invoices.onChange(ServiceDiscovery::print);
      BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        if (line.equals("quit")) {
          break;
        }
        callOne(invoices);
      }
    }
  }

  private static void callOne(Discovery invoices) {
    // From memory, also while the database is away.
    try (ServiceCall call = invoices.open(Choice.ROUND_ROBIN).orElseThrow()) {
      try {
        send(call.instance().host(), call.instance().port());
      } catch (RuntimeException e) {
        call.failed(); // the others are called for the next ten seconds
      }
    }
  }

  private static void send(String host, int port) {
    System.out.println("call goes to " + host + ":" + port);
  }

  private static void print(List<ServiceInstance> instances) {
    System.out.println(
        "instances: " + instances.stream().map(ServiceInstance::port).sorted().toList());
  }
}
