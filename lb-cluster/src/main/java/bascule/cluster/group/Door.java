package bascule.cluster.group;

import bascule.cluster.group.Contact.Seen;
import bascule.cluster.key.ClusterKey;
import java.io.EOFException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.security.cert.CertificateException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import org.jgroups.Version;
import org.jspecify.annotations.Nullable;

/// The membership's port. Lets in who comes from the address of a node, has the key, and understands us; JGroups gets a connection only then.
/// The port stays open while JGroups is started anew.
final class Door implements TlsSocket.Greeting, AutoCloseable {
    /// Under way at one time from one address; more wait in the kernel's queue.
    private static final int GREETINGS_MOST = 4;

    private static final int READY_MOST = 64;
    private static final int BACKLOG = 64;
    private static final int FAULT_PAUSE_MILLIS = 20;
    private static final int LOOK_MILLIS = 100;
    private static final long GREETING_NANOS =
            TimeUnit.MILLISECONDS.toNanos(TlsSocket.GREETING_MILLIS);

    private final Membership.Settings settings;
    private final Contacts contacts;
    private final ServerSocket listening;
    private final BlockingQueue<TlsSocket> ready = new ArrayBlockingQueue<>(READY_MOST);
    private final Map<Socket, Long> greeting = new ConcurrentHashMap<>(); // With its beginning.
    private final Semaphore[] places; // Of each node: one of them takes none from another.
    private final Thread thread;
    private volatile boolean closed;

    /// Who hears how it went.
    interface Contacts {
        void seen(int node, Seen what, String about);

        void connections(int node, int change);
    }

    Door(Membership.Settings settings, Contacts contacts) throws IOException {
        this.settings = settings;
        this.contacts = contacts;
        this.places = new Semaphore[settings.nodes().size()];
        for (int i = 0; i < places.length; i++) places[i] = new Semaphore(GREETINGS_MOST);
        InetSocketAddress self = settings.nodes().get(settings.self());
        listening = new ServerSocket();
        try {
            listening.setReuseAddress(true);
            listening.bind(self, BACKLOG);
            listening.setSoTimeout(LOOK_MILLIS);
        } catch (IOException e) {
            listening.close();
            throw new IOException(
                    "membership "
                            + self
                            + "/tcp: "
                            + e.getMessage()
                            + " (expected: an address of this host, a free port)",
                    e);
        }
        thread = Thread.ofPlatform().name("membership-door").daemon().start(this::accept);
    }

    private void accept() {
        while (!closed) {
            endLate();
            try {
                Socket plain = listening.accept();
                int node = nodeAt(plain.getInetAddress());
                // A stranger costs no thread; nor does a node that tries too often.
                if (node < 0 || !places[node].tryAcquire()) {
                    plain.close();
                    continue;
                }
                greeting.put(plain, System.nanoTime());
                Thread.ofPlatform()
                        .name("membership-greeting")
                        .daemon()
                        .start(() -> letIn(plain, places[node]));
            } catch (SocketTimeoutException _) {
                // Time to look for late ones.
            } catch (IOException _) {
                if (!closed) pause(); // Out of descriptors, most likely.
            }
        }
    }

    /// A timeout of the socket is for each read: who sends a byte now and then would keep its place for hours.
    private void endLate() {
        long now = System.nanoTime();
        greeting.forEach(
                (socket, begun) -> {
                    if (now - begun > GREETING_NANOS && greeting.remove(socket, begun))
                        close(socket);
                });
    }

    private static void pause() {
        try {
            TimeUnit.MILLISECONDS.sleep(FAULT_PAUSE_MILLIS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private void letIn(Socket plain, Semaphore place) {
        try {
            plain.setTcpNoDelay(true);
            var socket = new TlsSocket(this, plain, greet(plain, true));
            if (closed || !ready.offer(socket)) socket.close(); // JGroups is being started anew.
        } catch (IOException _) {
            close(plain); // What it was has been told.
        } finally {
            greeting.remove(plain);
            place.release();
        }
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException _) {
            // Nothing is left to do.
        }
    }

    /// @return the first other node with this address; -1 if there is none
    private int nodeAt(InetAddress address) {
        for (int i = 0; i < settings.nodes().size(); i++)
            if (i != settings.self() && settings.nodes().get(i).getAddress().equals(address))
                return i;
        return -1;
    }

    private int nodeAt(SocketAddress address) {
        int exact = settings.nodes().indexOf(address);
        if (exact >= 0) return exact;
        return address instanceof InetSocketAddress known ? nodeAt(known.getAddress()) : -1;
    }

    @Override
    public Known greet(Socket plain, boolean server) throws IOException {
        int node = nodeAt(plain.getRemoteSocketAddress());
        greeting.putIfAbsent(plain, System.nanoTime());
        try {
            plain.setSoTimeout(TlsSocket.GREETING_MILLIS);
            SSLSocket tls = tls(plain, server);
            tls.startHandshake();
            tls.getOutputStream().write(ours().bytes());
            tls.getOutputStream().flush();
            Preamble theirs = Preamble.read(tls.getInputStream());
            checkLanguage(node, theirs);
            List<String> known = settings.names();
            if (theirs.version() >= Preamble.NAMES_FOLLOW) {
                tls.getOutputStream().write(Preamble.names(settings.names()));
                tls.getOutputStream().flush();
                known = Preamble.readNames(tls.getInputStream());
            }
            node = named(node, theirs, known);
            plain.setSoTimeout(0);
            if (greeting.remove(plain) == null) throw new SocketTimeoutException("late");
            contacts.connections(node, 1);
            contacts.seen(node, Seen.WELL, "");
            return new Known(tls, node);
        } catch (IOException e) {
            boolean late = greeting.remove(plain) == null;
            fault(node, server, late ? new SocketTimeoutException("late") : e);
            throw e;
        } finally {
            greeting.remove(plain);
        }
    }

    private void fault(int node, boolean server, IOException e) {
        switch (e) {
            case SSLException tls ->
                    told(node, isAboutKey(tls) ? Seen.KEY : Seen.CLOSED, tls.getMessage());
            case EOFException _ -> told(node, Seen.CLOSED, hangsUp(server));
            case Preamble.NoPreamble _ -> told(node, Seen.CLOSED, hangsUp(server));
            case SocketTimeoutException _ ->
                    told(node, Seen.CLOSED, "it takes connections and does not say enough");
            case SocketException _ -> told(node, Seen.CLOSED, hangsUp(false));
            default -> {} // Told where it was found.
        }
    }

    private static String hangsUp(boolean server) {
        return server
                ? "it hangs up"
                : "it hangs up: does its file know this node by this address?";
    }

    /// We do not know its key, or it does not know ours. A node that dies, or a probe of the port, is neither.
    private static boolean isAboutKey(SSLException e) {
        return e.getCause() instanceof CertificateException
                || String.valueOf(e.getMessage())
                        .contains("certificate_"); // The alert that it sent.
    }

    private void told(int node, Seen what, @Nullable String about) {
        if (node >= 0) contacts.seen(node, what, String.valueOf(about));
    }

    private SSLSocket tls(Socket plain, boolean server) throws IOException {
        // A context for each: nothing can be resumed. An address as name: nothing is looked up.
        var tls =
                (SSLSocket)
                        settings.key()
                                .tls()
                                .getSocketFactory()
                                .createSocket(
                                        plain,
                                        plain.getInetAddress().getHostAddress(),
                                        plain.getPort(),
                                        true);
        tls.setUseClientMode(!server);
        tls.setSSLParameters(ClusterKey.tlsParameters());
        return tls;
    }

    private Preamble ours() {
        return new Preamble(
                Preamble.VERSION,
                Version.version,
                settings.name(),
                settings.names().get(settings.self()));
    }

    private int indexOf(Preamble theirs) {
        int named = settings.names().indexOf(theirs.node());
        return named == settings.self() ? -1 : named;
    }

    private void checkLanguage(int node, Preamble theirs) throws IOException {
        int named = indexOf(theirs);
        int about = named >= 0 ? named : node;
        if (!theirs.cluster().equals(settings.name()))
            throw refused(
                    about,
                    Seen.CLUSTER,
                    "its cluster is " + theirs.cluster() + ", this one is " + settings.name());
        if (Math.abs(theirs.version() - Preamble.VERSION) > 1)
            throw refused(
                    about,
                    Seen.VERSION,
                    "its version of the membership is "
                            + theirs.version()
                            + ", ours "
                            + Preamble.VERSION);
        if (!Version.isBinaryCompatible(theirs.jgroups()))
            throw refused(
                    about,
                    Seen.VERSION,
                    "its JGroups is "
                            + Version.print(theirs.jgroups())
                            + ", ours "
                            + Version.print(Version.version));
    }

    /// @param known whom its file names
    /// @return which node it is
    private int named(int node, Preamble theirs, List<String> known) throws IOException {
        int named = indexOf(theirs);
        if (named < 0)
            throw refused(
                    node,
                    Seen.NODE,
                    "it calls itself " + theirs.node() + ", expected one of " + settings.names());
        String own = settings.names().get(settings.self());
        if (!known.contains(own))
            throw refused(
                    named,
                    Seen.NODE,
                    "its file names " + known + ", and not " + own + ", which is this node");
        return named;
    }

    private IOException refused(int node, Seen what, String about) {
        told(node, what, about);
        return new IOException(about);
    }

    @Override
    public void closed(int node) {
        contacts.connections(node, -1);
    }

    @Override
    public void unreached(SocketAddress to, IOException why) {
        if (why instanceof ConnectException
                || why instanceof NoRouteToHostException
                || why instanceof SocketTimeoutException)
            told(nodeAt(to), Seen.NOTHING, why.getMessage());
    }

    /// What JGroups takes connections from; to close it leaves the port open.
    ServerSocket facade() throws IOException {
        for (TlsSocket stale = ready.poll(); stale != null; stale = ready.poll()) stale.close();
        return new Facade();
    }

    private final class Facade extends ServerSocket {
        private volatile boolean shut;

        Facade() throws IOException {}

        @Override
        public void bind(@Nullable SocketAddress to) {}

        @Override
        public void bind(@Nullable SocketAddress to, int backlog) {}

        @Override
        public int getLocalPort() {
            return listening.getLocalPort();
        }

        @Override
        public @Nullable InetAddress getInetAddress() {
            return listening.getInetAddress();
        }

        @Override
        public Socket accept() throws IOException {
            while (!shut && !closed) {
                try {
                    Socket next = ready.poll(100, TimeUnit.MILLISECONDS);
                    if (next != null) return next;
                } catch (InterruptedException _) {
                    Thread.currentThread().interrupt();
                    break;
                }
            }
            throw new SocketException("Socket closed");
        }

        @Override
        public boolean isClosed() {
            return shut || closed;
        }

        @Override
        public void close() throws IOException {
            shut = true;
            super.close();
        }
    }

    @Override
    public void close() {
        closed = true;
        List<AutoCloseable> all = new ArrayList<>(greeting.keySet());
        all.add(listening);
        all.addAll(ready);
        for (AutoCloseable each : all) {
            try {
                each.close();
            } catch (Exception _) {
                // The others have to be closed, too.
            }
        }
        try {
            thread.join(1000);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
