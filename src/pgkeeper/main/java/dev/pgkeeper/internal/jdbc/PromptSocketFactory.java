package dev.pgkeeper.internal.jdbc;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import javax.net.SocketFactory;
import org.jspecify.annotations.Nullable;

/**
 * Takes a millisecond off every notification, and hands out so many at a time. After each message
 * the driver looks for one more by setting a socket timeout of 1 ms and blocking in a read; a
 * socket of this factory answers such a read at once when nothing is there.
 *
 * <p>The driver hears notifications for as long as there are more, so whoever rings without a pause
 * would keep the heartbeat waiting. After {@link #MOST_AT_ONCE} bytes a socket gives only what the
 * message that has begun still needs, and then says once that nothing is there. It does so where it
 * sees the driver's messages: below TLS it sees none. Before the answer to a statement the driver
 * hears all that was rung, and keeps it: after {@link #MOST_KEPT} bytes, with TLS or without, the
 * connection fails and is opened again.
 *
 * <p>Everything else goes to a socket of the factory that the caller had configured, or to a plain
 * one.
 *
 * <p>The driver makes it by name, with one argument: the caller's factory and its argument, on two
 * lines.
 */
public final class PromptSocketFactory extends SocketFactory {
  private static final int DRIVERS_GLANCE_MS = 1;

  /** While it hears notifications, and only then, the driver reads without a timeout. */
  private static final int HEARS = 0;

  private static final int MOST_AT_ONCE = 1 << 20;
  private static final int MOST_KEPT = 1 << 26;

  private final @Nullable SocketFactory wrapped;

  public PromptSocketFactory(String argument) throws ReflectiveOperationException {
    String[] lines = argument.split("\n", 2);
    wrapped = lines[0].isEmpty() ? null : make(lines[0], lines.length > 1 ? lines[1] : "");
  }

  /** The argument that wraps this factory. */
  static String wrapping(@Nullable String factory, @Nullable String factoryArgument) {
    return factory == null ? "" : factory + "\n" + (factoryArgument == null ? "" : factoryArgument);
  }

  private static SocketFactory make(String name, String argument)
      throws ReflectiveOperationException {
    Class<?> type = Class.forName(name, true, Thread.currentThread().getContextClassLoader());
    try {
      return (SocketFactory) type.getConstructor(String.class).newInstance(argument);
    } catch (NoSuchMethodException e) {
      return (SocketFactory) type.getConstructor().newInstance();
    }
  }

  @Override
  public Socket createSocket() throws IOException {
    return new PromptSocket(wrapped == null ? new Socket() : wrapped.createSocket());
  }

  @Override
  public Socket createSocket(String host, int port) throws IOException {
    return new PromptSocket(
        wrapped == null ? new Socket(host, port) : wrapped.createSocket(host, port));
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress localHost, int localPort)
      throws IOException {
    throw new IOException("binding to a local address is not supported");
  }

  @Override
  public Socket createSocket(InetAddress host, int port) throws IOException {
    return new PromptSocket(
        wrapped == null ? new Socket(host, port) : wrapped.createSocket(host, port));
  }

  @Override
  public Socket createSocket(InetAddress host, int port, InetAddress localHost, int localPort)
      throws IOException {
    throw new IOException("binding to a local address is not supported");
  }

  private static final class PromptSocket extends Socket {
    private final Socket socket;

    /** Bytes since the driver began to hear. */
    private int heard;

    /** The first that asks for a stream is the driver; a later one is the layer of TLS. */
    private boolean isDriverAbove = true;

    PromptSocket(Socket socket) {
      this.socket = socket;
    }

    @Override
    public InputStream getInputStream() throws IOException {
      boolean seesMessages = isDriverAbove;
      isDriverAbove = false;
      return new FilterInputStream(socket.getInputStream()) {
        @Override
        public int read() throws IOException {
          glance();
          return heard(super.read(), 1);
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
          glance();
          return heard(
              super.read(bytes, offset, isEnough() ? Math.min(1, length) : length), length);
        }

        private int heard(int read, int most) throws IOException {
          heard += Math.min(most, Math.max(0, read));
          if (heard > MOST_KEPT) {
            throw new IOException(
                "the server has sent " + heard + " bytes at once: somebody rings without end");
          }
          return read;
        }

        @Override
        public int available() throws IOException {
          return isEnough() ? 0 : super.available();
        }

        private void glance() throws IOException {
          if (socket.getSoTimeout() == DRIVERS_GLANCE_MS
              && (heard > MOST_AT_ONCE && seesMessages || in.available() == 0)) {
            throw new SocketTimeoutException("nothing there, or enough");
          }
        }

        /** A byte at a time the driver takes what it needs, and no more. */
        private boolean isEnough() throws IOException {
          return seesMessages && heard > MOST_AT_ONCE && socket.getSoTimeout() == HEARS;
        }
      };
    }

    @Override
    public OutputStream getOutputStream() throws IOException {
      return socket.getOutputStream();
    }

    @Override
    public void connect(SocketAddress endpoint) throws IOException {
      socket.connect(endpoint);
    }

    @Override
    public void connect(SocketAddress endpoint, int timeout) throws IOException {
      socket.connect(endpoint, timeout);
    }

    @Override
    public void bind(SocketAddress address) throws IOException {
      socket.bind(address);
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }

    @Override
    public void shutdownInput() throws IOException {
      socket.shutdownInput();
    }

    @Override
    public void shutdownOutput() throws IOException {
      socket.shutdownOutput();
    }

    @Override
    public boolean isClosed() {
      return socket.isClosed();
    }

    @Override
    public boolean isConnected() {
      return socket.isConnected();
    }

    @Override
    public boolean isBound() {
      return socket.isBound();
    }

    @Override
    public boolean isInputShutdown() {
      return socket.isInputShutdown();
    }

    @Override
    public boolean isOutputShutdown() {
      return socket.isOutputShutdown();
    }

    @Override
    public InetAddress getInetAddress() {
      return socket.getInetAddress();
    }

    @Override
    public InetAddress getLocalAddress() {
      return socket.getLocalAddress();
    }

    @Override
    public int getPort() {
      return socket.getPort();
    }

    @Override
    public int getLocalPort() {
      return socket.getLocalPort();
    }

    @Override
    public SocketAddress getRemoteSocketAddress() {
      return socket.getRemoteSocketAddress();
    }

    @Override
    public SocketAddress getLocalSocketAddress() {
      return socket.getLocalSocketAddress();
    }

    @Override
    public void setSoTimeout(int timeout) throws SocketException {
      if (timeout > DRIVERS_GLANCE_MS) {
        heard = 0; // before it begins to hear, and after that
      }
      socket.setSoTimeout(timeout);
    }

    @Override
    public int getSoTimeout() throws SocketException {
      return socket.getSoTimeout();
    }

    @Override
    public void setTcpNoDelay(boolean on) throws SocketException {
      socket.setTcpNoDelay(on);
    }

    @Override
    public boolean getTcpNoDelay() throws SocketException {
      return socket.getTcpNoDelay();
    }

    @Override
    public void setKeepAlive(boolean on) throws SocketException {
      socket.setKeepAlive(on);
    }

    @Override
    public boolean getKeepAlive() throws SocketException {
      return socket.getKeepAlive();
    }

    @Override
    public void setSoLinger(boolean on, int linger) throws SocketException {
      socket.setSoLinger(on, linger);
    }

    @Override
    public int getSoLinger() throws SocketException {
      return socket.getSoLinger();
    }

    @Override
    public void setSendBufferSize(int size) throws SocketException {
      socket.setSendBufferSize(size);
    }

    @Override
    public int getSendBufferSize() throws SocketException {
      return socket.getSendBufferSize();
    }

    @Override
    public void setReceiveBufferSize(int size) throws SocketException {
      socket.setReceiveBufferSize(size);
    }

    @Override
    public int getReceiveBufferSize() throws SocketException {
      return socket.getReceiveBufferSize();
    }

    @Override
    public void setReuseAddress(boolean on) throws SocketException {
      socket.setReuseAddress(on);
    }

    @Override
    public boolean getReuseAddress() throws SocketException {
      return socket.getReuseAddress();
    }

    @Override
    public void setTrafficClass(int trafficClass) throws SocketException {
      socket.setTrafficClass(trafficClass);
    }

    @Override
    public String toString() {
      return socket.toString();
    }
  }
}
