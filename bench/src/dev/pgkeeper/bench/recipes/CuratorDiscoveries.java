package dev.pgkeeper.bench.recipes;

import java.util.function.IntConsumer;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.ExponentialBackoffRetry;
import org.apache.curator.x.discovery.ServiceCache;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.ServiceInstance;
import org.apache.curator.x.discovery.details.ServiceCacheListener;
import org.jspecify.annotations.Nullable;

/** Curator's service discovery on a ZooKeeper, with its cache. */
final class CuratorDiscoveries implements Discoveries {
  private final CuratorFramework firstClient;
  private final CuratorFramework secondClient;
  private final ServiceDiscovery<Void> first;
  private final ServiceDiscovery<Void> second;
  private final ServiceCache<Void> cache;
  private @Nullable ServiceInstance<Void> registered;

  CuratorDiscoveries(String address) throws Exception {
    firstClient = client(address);
    secondClient = client(address);
    first = discovery(firstClient);
    second = discovery(secondClient);
    cache = second.serviceCacheBuilder().name("a").build();
    cache.start();
  }

  private static CuratorFramework client(String address) {
    CuratorFramework client =
        CuratorFrameworkFactory.newClient(
            address, 30_000, 15_000, new ExponentialBackoffRetry(1000, 3));
    client.start();
    return client;
  }

  private static ServiceDiscovery<Void> discovery(CuratorFramework client) throws Exception {
    ServiceDiscovery<Void> discovery =
        ServiceDiscoveryBuilder.builder(Void.class).client(client).basePath("/services").build();
    discovery.start();
    return discovery;
  }

  @Override
  public void register() throws Exception {
    ServiceInstance<Void> next =
        ServiceInstance.<Void>builder().name("a").address("10.0.0.1").port(8080).build();
    first.registerService(next);
    registered = next;
  }

  @Override
  public void unregister() throws Exception {
    ServiceInstance<Void> last = registered;
    if (last != null) {
      first.unregisterService(last);
    }
  }

  @Override
  public void follow(IntConsumer told) {
    cache.addListener(
        new ServiceCacheListener() {
          @Override
          public void cacheChanged() {
            told.accept(cache.getInstances().size());
          }

          @Override
          public void stateChanged(CuratorFramework client, ConnectionState state) {}
        });
  }

  @Override
  public void close() throws Exception {
    cache.close();
    second.close();
    first.close();
    secondClient.close();
    firstClient.close();
  }
}
