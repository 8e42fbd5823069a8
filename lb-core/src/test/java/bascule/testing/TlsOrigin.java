package bascule.testing;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import bascule.tls.testing.Issued;
import bascule.tls.testing.TestAuthority;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import javax.net.ssl.ExtendedSSLSession;
import javax.net.ssl.SNIServerName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;

/// A server that speaks TLS through the JDK, and whose every step the test decides.
public final class TlsOrigin implements AutoCloseable {
    private final ServerSocket listening;
    private final SSLContext context;
    private boolean asksClients;

    /// @param own what it shows
    /// @param trusted whose certificates it takes of clients
    public TlsOrigin(Issued own, TestAuthority trusted) throws IOException {
        context = JdkTls.context(trusted, own);
        listening = new ServerSocket(0, 1024, InetAddress.ofLiteral("127.0.0.1"));
        listening.setSoTimeout((int) RunningDaemon.PATIENCE.toMillis());
    }

    /// From now on clients must show a certificate.
    public TlsOrigin askingClients() {
        asksClients = true;
        return this;
    }

    public int port() {
        return listening.getLocalPort();
    }

    /// Host and port, as a configuration names a server.
    public String address() {
        return "127.0.0.1:" + port();
    }

    /// Waits for a connection; the handshake is yet to be made.
    public Conversation accept() throws IOException {
        return new Conversation(listening.accept());
    }

    @Override
    public void close() throws IOException {
        listening.close();
    }

    /// One connection.
    public final class Conversation implements AutoCloseable {
        private final Socket tcp;
        private final SSLSocket tls;

        private Conversation(Socket tcp) throws IOException {
            this.tcp = tcp;
            tcp.setSoTimeout((int) RunningDaemon.PATIENCE.toMillis());
            tls = (SSLSocket) context.getSocketFactory().createSocket(tcp, null, false);
            tls.setUseClientMode(false);
            if (asksClients) tls.setNeedClientAuth(true);
        }

        /// @throws IOException as soon as either side refuses the other
        public void handshake() throws IOException {
            tls.startHandshake();
        }

        /// The name that was asked for, or empty.
        public String sni() {
            for (SNIServerName each :
                    ((ExtendedSSLSession) tls.getSession()).getRequestedServerNames())
                return new String(each.getEncoded(), ISO_8859_1);
            return "";
        }

        /// Whom the client's certificate names.
        public String client() throws IOException {
            return tls.getSession().getPeerPrincipal().getName();
        }

        public String receiveHead() throws IOException {
            var head = new ByteArrayOutputStream();
            while (!head.toString(ISO_8859_1).endsWith("\r\n\r\n")) {
                int next = tls.getInputStream().read();
                if (next < 0) throw new EOFException("after " + head);
                head.write(next);
            }
            return head.toString(ISO_8859_1);
        }

        /// One byte, or -1 at close_notify.
        public int receive() throws IOException {
            return tls.getInputStream().read();
        }

        public void send(String text) throws IOException {
            tls.getOutputStream().write(text.getBytes(ISO_8859_1));
            tls.getOutputStream().flush();
        }

        /// Sends bytes past TLS.
        public void sendPlain(String text) throws IOException {
            tcp.getOutputStream().write(text.getBytes(ISO_8859_1));
        }

        /// Sends close_notify alone.
        public void sendCloseNotify() throws IOException {
            tls.shutdownOutput();
        }

        /// Sends FIN without close_notify, as whoever sits on the line can.
        public void cut() throws IOException {
            tcp.shutdownOutput();
        }

        /// In order.
        @Override
        public void close() throws IOException {
            try (tcp) {
                tls.close();
            }
        }
    }
}
