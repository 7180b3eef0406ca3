package dev.pgkeeper.bench.locks;

import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.Client;
import io.etcd.jetcd.Lock;
import io.etcd.jetcd.lease.LeaseKeepAliveResponse;
import io.etcd.jetcd.support.CloseableClient;
import io.grpc.stub.StreamObserver;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** jetcd's lock: one lease for all locks of the client, kept alive by it, given back at the end. */
final class EtcdLocks implements Locks {
  private static final long END_LIMIT_SECONDS = 10;

  private final Client client;
  private final Lock locks;
  private final long lease;
  private final CloseableClient keepingAlive;

  EtcdLocks(String address) throws Exception {
    client = Client.builder().endpoints(address).build();
    try {
      lease = client.getLeaseClient().grant(Subjects.TIMEOUT.toSeconds()).get().getID();
      keepingAlive = client.getLeaseClient().keepAlive(lease, new Ignored());
      locks = client.getLockClient();
    } catch (Exception e) {
      client.close();
      throw e;
    }
  }

  @Override
  public NamedLock named(String name) {
    ByteSequence key = ByteSequence.from(name, StandardCharsets.UTF_8);
    return new NamedLock() {
      private @Nullable ByteSequence held;

      @Override
      public void acquire() throws Exception {
        held = locks.lock(key, lease).get().getKey();
      }

      @Override
      public void release() throws Exception {
        locks.unlock(held).get();
      }
    };
  }

  @Override
  public void close() throws Exception {
    keepingAlive.close();
    try {
      client.getLeaseClient().revoke(lease).get(END_LIMIT_SECONDS, TimeUnit.SECONDS);
    } finally {
      client.close();
    }
  }

  /** Who loses a lease finds out by the next lock. */
  private static final class Ignored implements StreamObserver<LeaseKeepAliveResponse> {
    @Override
    public void onNext(LeaseKeepAliveResponse response) {}

    @Override
    public void onError(Throwable error) {}

    @Override
    public void onCompleted() {}
  }
}
