package bascule.cluster.key;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What a key's TLS context lets in, seen from both sides, and from openssl.
final class KeyTlsIT {
    @TempDir Path folder;

    @Test
    void givenSameKey_whenConnected_thenBothKnownAndTls13() throws Exception {
        ClusterKey key = key("a");

        assertThat(talk(key::tls, ClusterKey.tlsParameters(), key::tls, ClusterKey.tlsParameters()))
                .isEqualTo("TLSv1.3 TLSv1.3");
    }

    @Test
    void givenOtherKey_whenConnected_thenBothRefuse() throws Exception {
        ClusterKey a = key("a");
        ClusterKey b = key("b");

        assertThat(talk(a::tls, ClusterKey.tlsParameters(), b::tls, ClusterKey.tlsParameters()))
                // Who is refused first may find the connection closed while it still writes.
                .containsPattern("server: \\S*(SSLHandshakeException|SocketException)")
                .contains("client: javax.net.ssl.SSLHandshakeException")
                .contains("none of this cluster's");
    }

    @Test
    void givenRotation_whenOneSideIsAhead_thenAccepted() throws Exception {
        key("old");
        key("new");
        ClusterKey before = joined("old", "new");
        ClusterKey after = joined("new", "old");
        SSLParameters parameters = ClusterKey.tlsParameters();

        assertThat(talk(before::tls, parameters, after::tls, parameters)).startsWith("TLSv1.3 ");
        assertThat(talk(after::tls, parameters, before::tls, parameters)).startsWith("TLSv1.3 ");
        ClusterKey old = read("old");
        assertThat(talk(before::tls, parameters, old::tls, parameters)).startsWith("TLSv1.3 ");
        assertThat(talk(after::tls, parameters, old::tls, parameters)).contains("Exception");
    }

    @Test
    void givenOlderProtocol_whenConnected_thenRefusedThoughTheCallerForgotTheParameters()
            throws Exception {
        ClusterKey key = key("a");
        var old = new SSLParameters();
        old.setProtocols(new String[] {"TLSv1.2"});
        old.setNeedClientAuth(true);

        assertThat(talk(key::tls, ClusterKey.tlsParameters(), key::tls, old)).contains("Exception");
        assertThat(talk(key::tls, old, key::tls, old)).contains("not TLSv1.3");
    }

    @Test
    void givenClientWithoutCertificate_whenConnected_thenRefused() throws Exception {
        ClusterKey key = key("a");
        int[] port = new int[1];

        String server =
                serve(
                        key::tls,
                        port,
                        () -> openssl("s_client", "-connect", "127.0.0.1:" + port[0], "-ign_eof"));

        assertThat(server).contains("SSLHandshakeException");
    }

    @Test
    void givenClientThatTrustsAllAndShowsAnotherKey_whenConnected_thenRefused() throws Exception {
        ClusterKey key = key("a");
        key("b");
        String other = folder.resolve("b").toString();
        int[] port = new int[1];

        String server =
                serve(
                        key::tls,
                        port,
                        () ->
                                openssl(
                                        "s_client",
                                        "-connect",
                                        "127.0.0.1:" + port[0],
                                        "-cert",
                                        other,
                                        "-key",
                                        other,
                                        "-ign_eof"));

        assertThat(server).contains("none of this cluster's");
    }

    @Test
    void givenTicket_whenConnectedAgain_thenFullHandshakeUnlessAContextIsKept() throws Exception {
        ClusterKey key = key("a");
        SSLContext kept = key.tls();

        // The plant: one context for both is what would resume.
        assertThat(secondConnection(() -> kept)).contains("Reused, TLSv1.3");
        assertThat(secondConnection(key::tls)).contains("New, TLSv1.3").doesNotContain("Reused");
    }

    @Test
    void givenGeneratedFile_whenOpensslReadsIt_thenKeyAndCertificateAreSound() throws Exception {
        key("a");
        String file = folder.resolve("a").toString();

        assertThat(openssl("ec", "-in", file, "-noout", "-text")).contains("prime256v1");
        assertThat(openssl("x509", "-in", file, "-noout", "-enddate"))
                .contains("Dec 31 23:59:59 9999 GMT");
        assertThat(openssl("verify", "-check_ss_sig", "-CAfile", file, file)).contains(": OK");
        assertThat(openssl("pkey", "-in", file, "-pubout").trim())
                .isEqualTo(openssl("x509", "-in", file, "-noout", "-pubkey").trim());
    }

    /// Two connections of one openssl with a memory, to a server that asks for a context each time.
    private String secondConnection(Supplier<SSLContext> contexts) throws Exception {
        String file = folder.resolve("a").toString();
        String session = folder.resolve("session").toString();
        int[] port = new int[1];
        String[] said = new String[1];
        for (String direction : List.of("-sess_out", "-sess_in"))
            serve(
                    contexts,
                    port,
                    () ->
                            said[0] =
                                    openssl(
                                            "s_client",
                                            "-connect",
                                            "127.0.0.1:" + port[0],
                                            "-cert",
                                            file,
                                            "-key",
                                            file,
                                            "-ign_eof",
                                            direction,
                                            session));
        assertThat(Path.of(session)).isNotEmptyFile();
        return said[0];
    }

    /// @return what the server made of the one connection that it takes
    private static String serve(Supplier<SSLContext> contexts, int[] port, Callable<?> client)
            throws Exception {
        try (SSLServerSocket listening = listen(contexts, ClusterKey.tlsParameters())) {
            port[0] = listening.getLocalPort();
            CompletableFuture<String> server =
                    CompletableFuture.supplyAsync(() -> greet(listening, "server: "));
            client.call();
            return server.get(20, TimeUnit.SECONDS);
        }
    }

    private static SSLServerSocket listen(Supplier<SSLContext> contexts, SSLParameters parameters)
            throws IOException {
        var listening =
                (SSLServerSocket)
                        contexts.get()
                                .getServerSocketFactory()
                                .createServerSocket(0, 1, InetAddress.getLoopbackAddress());
        listening.setSSLParameters(parameters);
        return listening;
    }

    private static String greet(SSLServerSocket listening, String who) {
        try (var socket = (SSLSocket) listening.accept()) {
            socket.setSoTimeout(10_000);
            socket.startHandshake();
            socket.getOutputStream().write("hello\n".getBytes(UTF_8));
            return socket.getSession().getProtocol();
        } catch (IOException e) {
            return who + e;
        }
    }

    private static String talk(
            Supplier<SSLContext> server,
            SSLParameters serverParameters,
            Supplier<SSLContext> client,
            SSLParameters clientParameters)
            throws Exception {
        try (SSLServerSocket listening = listen(server, serverParameters)) {
            CompletableFuture<String> served =
                    CompletableFuture.supplyAsync(() -> greet(listening, "server: "));
            String seen;
            try (var socket =
                    (SSLSocket)
                            client.get()
                                    .getSocketFactory()
                                    .createSocket(
                                            InetAddress.getLoopbackAddress(),
                                            listening.getLocalPort())) {
                socket.setSoTimeout(10_000);
                socket.setSSLParameters(clientParameters);
                socket.startHandshake();
                if (socket.getInputStream().read() != 'h') throw new SSLException("no greeting");
                seen = socket.getSession().getProtocol();
            } catch (IOException e) {
                seen = "client: " + e;
            }
            return served.get(20, TimeUnit.SECONDS) + " " + seen;
        }
    }

    private ClusterKey key(String name) throws IOException {
        ClusterKey.generate(folder.resolve(name));
        return read(name);
    }

    private ClusterKey joined(String first, String second) throws IOException {
        Path file = Files.createTempFile(folder, "joined", ".key");
        Files.writeString(
                file,
                Files.readString(folder.resolve(first)) + Files.readString(folder.resolve(second)));
        return read(file.getFileName().toString());
    }

    private ClusterKey read(String name) {
        return ((ClusterKey.Read.Loaded) ClusterKey.read(folder.resolve(name))).key();
    }

    private static String openssl(String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of("openssl"));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        CompletableFuture<byte[]> said =
                CompletableFuture.supplyAsync(
                        () -> {
                            try {
                                return process.getInputStream().readAllBytes();
                            } catch (IOException e) {
                                throw new UncheckedIOException(e);
                            }
                        });
        if (!process.waitFor(20, TimeUnit.SECONDS)) process.destroyForcibly();
        return new String(said.get(5, TimeUnit.SECONDS), UTF_8);
    }
}
