package bascule.tls;

import static bascule.tls.Servers.authorities;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import bascule.tls.testing.TestAuthority;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What the `openssl` program says of us, over sockets.
final class OpensslIT {
    private static final TestAuthority AUTHORITY = TestAuthority.named("Server CA");
    private static final TestAuthority CLIENTS = TestAuthority.named("Client CA");

    @TempDir Path folder = Path.of("");

    private final Servers servers =
            new Servers(
                    Servers.set(
                            AUTHORITY.issue("www.example.com"),
                            AUTHORITY.issueRsa("www.example.com")));
    private final EventLoopGroup loop =
            new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private final List<ServerTls> made = new ArrayList<>();

    @BeforeEach
    void needsOpenssl() throws Exception {
        boolean there;
        try {
            there = new ProcessBuilder("openssl", "version").start().waitFor() == 0;
        } catch (IOException e) {
            there = false;
        }
        if (System.getenv("CI") == null) assumeTrue(there, "needs openssl");
        else assertThat(there).as("openssl").isTrue();
        AUTHORITY.file(folder.resolve("ca.pem"));
        CLIENTS.issueClient("alice").write(folder, "alice");
    }

    @AfterEach
    void stop() throws InterruptedException {
        loop.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
        made.forEach(ServerTls::close);
    }

    /// A door as a listener has one: reads the hello, chooses, and says to each client who it is.
    private int listen() throws Exception {
        ServerTls tls = servers.make();
        made.add(tls);
        Channel bound =
                new ServerBootstrap()
                        .group(loop)
                        .channel(NioServerSocketChannel.class)
                        .childHandler(
                                new ChannelInitializer<>() {
                                    @Override
                                    protected void initChannel(Channel channel) {
                                        channel.pipeline().addLast(new Door(tls));
                                    }
                                })
                        .bind("127.0.0.1", 0)
                        .sync()
                        .channel();
        return ((InetSocketAddress) bound.localAddress()).getPort();
    }

    private static final class Door extends ByteToMessageDecoder {
        private final ServerTls tls;
        private final ClientHello hello = new ClientHello();

        Door(ServerTls tls) {
            this.tls = tls;
        }

        @Override
        protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
            switch (hello.read(in)) {
                case ClientHello.NEED_MORE -> {}
                case ClientHello.READ -> {
                    TlsChoice choice = tls.choose(hello);
                    if (choice == null) {
                        in.skipBytes(in.readableBytes());
                        context.writeAndFlush(Unpooled.wrappedBuffer(ServerTls.unrecognizedName()))
                                .addListener(ChannelFutureListener.CLOSE);
                        return;
                    }
                    String sni = hello.sni();
                    SslHandler handler = choice.newHandler(context.alloc());
                    ChannelPipeline pipeline = context.pipeline();
                    pipeline.addLast(handler, new Greeter(handler, choice, sni)).remove(this);
                }
                default -> context.close();
            }
        }
    }

    private static final class Greeter extends ChannelInboundHandlerAdapter {
        private final SslHandler handler;
        private final TlsChoice choice;
        private final String sni;

        Greeter(SslHandler handler, TlsChoice choice, String sni) {
            this.handler = handler;
            this.choice = choice;
            this.sni = sni;
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext context, Object event) {
            if (event instanceof SslHandshakeCompletionEvent done && done.isSuccess())
                context.writeAndFlush(
                        Unpooled.copiedBuffer(TlsSession.of(handler, choice, sni) + "\n", UTF_8));
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            context.close();
        }
    }

    /// @return all that openssl has to say
    private String client(String input, int port, String... more) throws Exception {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "openssl",
                                "s_client",
                                "-connect",
                                "127.0.0.1:" + port,
                                "-CAfile",
                                "ca.pem",
                                "-verify_return_error",
                                "-servername",
                                "www.example.com",
                                "-verify_hostname",
                                "www.example.com"));
        command.addAll(List.of(more));
        Process process =
                new ProcessBuilder(command)
                        .directory(folder.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(folder.resolve("out").toFile())
                        .start();
        try (var in = process.outputWriter()) {
            in.flush();
            // Without input it would end before it has seen the tickets of TLS 1.3, which follow
            // the handshake.
            for (int tries = 0;
                    tries < 200 && process.isAlive() && !output().contains("TlsSession[");
                    tries++) Thread.sleep(25);
            in.write(input);
        } catch (IOException e) {
            // It was refused, and is gone.
        }
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).as(output()).isTrue();
        return output();
    }

    private String output() throws IOException {
        return new String(Files.readAllBytes(folder.resolve("out")), UTF_8);
    }

    @ParameterizedTest
    @ValueSource(strings = {"-tls1_3", "-tls1_2"})
    void givenEachVersion_whenConnected_thenIsVerified_andWithoutCompressionOrEarlyData(
            String version) throws Exception {
        String said = client("Q\n", listen(), version);

        assertThat(said)
                .contains(
                        "Verify return code: 0 (ok)",
                        "Compression: NONE",
                        "sni=www.example.com, resumed=false")
                .contains(
                        version.equals("-tls1_3")
                                ? "Max Early Data: 0"
                                : "Secure Renegotiation IS supported")
                .doesNotContain("Max Early Data: 1");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ECDHE-ECDSA-AES128-GCM-SHA256",
                "ECDHE-ECDSA-AES256-GCM-SHA384",
                "ECDHE-ECDSA-CHACHA20-POLY1305",
                "ECDHE-RSA-AES128-GCM-SHA256",
                "ECDHE-RSA-AES256-GCM-SHA384",
                "ECDHE-RSA-CHACHA20-POLY1305"
            })
    void givenEachCipherOfTls12_whenAskedFor_thenIsTaken(String cipher) throws Exception {
        assertThat(client("Q\n", listen(), "-tls1_2", "-cipher", cipher))
                .contains("Cipher is " + cipher);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "AES128-GCM-SHA256",
                "ECDHE-RSA-AES128-SHA",
                "ECDHE-ECDSA-AES128-SHA256",
                "DHE-RSA-AES128-GCM-SHA256",
                "AES128-SHA",
                "ECDHE-PSK-CHACHA20-POLY1305"
            })
    void givenWeakerCiphers_whenAskedFor_thenThereIsNoConnection(String cipher) throws Exception {
        assertThat(client("Q\n", listen(), "-tls1_2", "-cipher", cipher + ":@SECLEVEL=0"))
                .doesNotContain("TlsSession[")
                .contains("Cipher is (NONE)");
    }

    @Test
    void givenClientOfTls12_whenItRenegotiates_thenIsRefused() throws Exception {
        int port = listen();
        assertThat(client("Q\n", port, "-tls1_2")).contains("TlsSession[");

        assertThat(client("R\n", port, "-tls1_2"))
                .contains("RENEGOTIATING")
                .containsAnyOf("no renegotiation", "unexpected message", "SSL alert", "error:")
                .containsOnlyOnce("TlsSession[");
    }

    @ParameterizedTest
    @ValueSource(strings = {"-tls1_3", "-tls1_2"})
    void givenSavedSession_whenUsedElsewhere_thenResumesOnlyWhereTheSameIsAsked(String version)
            throws Exception {
        int open = listen();
        servers.clientAuth = ClientAuth.REQUIRED;
        servers.authorities = authorities(CLIENTS);
        int closed = listen();
        servers.certificates = Servers.set(AUTHORITY.issue("www.example.com"));
        int sameAgain = listen();

        assertThat(client("Q\n", open, version, "-sess_out", "open")).contains("resumed=false");
        assertThat(client("Q\n", open, version, "-sess_in", "open"))
                .contains("Reused, ", "resumed=true");
        assertThat(client("Q\n", closed, version, "-sess_in", "open"))
                .as("from those who ask nobody")
                .doesNotContain("Reused, ", "TlsSession[");

        assertThat(
                        client(
                                "Q\n",
                                closed,
                                version,
                                "-sess_out",
                                "closed",
                                "-cert",
                                "alice.pem",
                                "-key",
                                "alice.pem"))
                .contains("resumed=false", "subject=CN=alice");
        assertThat(client("Q\n", sameAgain, version, "-sess_in", "closed"))
                .contains("Reused, ", "resumed=true", "subject=CN=alice");
        assertThat(client("Q\n", open, version, "-sess_in", "closed"))
                .contains("New, ", "resumed=false", "subject=null");
    }

    @Test
    void givenStrictSni_whenNameIsUnknown_thenTheAlertSaysSo() throws Exception {
        servers.strictSni = true;

        assertThat(client("Q\n", listen(), "-servername", "other.example.com"))
                .contains("unrecognized name", "SSL alert number 112");
    }

    @Test
    void givenClientWithoutCertificate_whenItHasToHaveOne_thenTheAlertSaysSo() throws Exception {
        servers.clientAuth = ClientAuth.REQUIRED;
        servers.authorities = authorities(CLIENTS);

        assertThat(client("Q\n", listen(), "-tls1_3")).contains("certificate required");
    }

    /// Files as the program itself writes them.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key",
                "genrsa -traditional -out key 2048",
                "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key",
                "ecparam -name prime256v1 -genkey -out key",
                "ecparam -name secp384r1 -genkey -noout -out key",
                "ecparam -name secp521r1 -genkey -out key"
            })
    void givenKeyThatOpensslMade_whenRead_thenIsTaken(String command) throws Exception {
        tool(command);
        tool(
                "req -x509 -key key -out certificate -days 30 -subj /CN=a -addext subjectAltName=DNS:a.example.com");
        Path files = Files.createDirectory(folder.resolve("files"));
        Files.copy(folder.resolve("certificate"), files.resolve("a.crt"));
        Files.copy(folder.resolve("key"), files.resolve("a.key"));

        assertThat(CertificateFolder.read(files, Instant.now()))
                .isInstanceOfSatisfying(
                        CertificateFolder.Read.Loaded.class,
                        read ->
                                assertThat(read.set().certificates().getFirst().names())
                                        .containsExactly("a.example.com"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes256 -pass pass:secret -out key",
                "genrsa -traditional -aes256 -passout pass:secret -out key 2048"
            })
    void givenKeyThatOpensslEncrypted_whenRead_thenIsRefused(String command) throws Exception {
        tool(command);
        tool("req -x509 -key key -passin pass:secret -out certificate -days 30 -subj /CN=a");
        Path files = Files.createDirectory(folder.resolve("files"));
        Files.writeString(
                files.resolve("a.pem"),
                Files.readString(folder.resolve("certificate"))
                        + Files.readString(folder.resolve("key")));

        assertThat(CertificateFolder.read(files, Instant.now()).toString())
                .contains("has an encrypted key");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "genpkey -algorithm ED25519 -out key",
                "genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out key",
                "ecparam -name secp256k1 -genkey -noout -out key",
                "ecparam -name brainpoolP256r1 -genkey -noout -out key"
            })
    void givenKeyOfAnotherKind_whenRead_thenIsRefused(String command) throws Exception {
        tool(command);
        tool("req -x509 -key key -out certificate -days 30 -subj /CN=a");
        Path files = Files.createDirectory(folder.resolve("files"));
        Files.writeString(
                files.resolve("a.pem"),
                Files.readString(folder.resolve("certificate"))
                        + Files.readString(folder.resolve("key")));

        assertThat(CertificateFolder.read(files, Instant.now()).toString())
                .contains("of a kind that is not supported");
    }

    private void tool(String command) throws Exception {
        List<String> words = new ArrayList<>(List.of("openssl"));
        words.addAll(List.of(command.split(" ")));
        Process process =
                new ProcessBuilder(words)
                        .directory(folder.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(folder.resolve("out").toFile())
                        .start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS) && process.exitValue() == 0)
                .as(output())
                .isTrue();
    }
}
