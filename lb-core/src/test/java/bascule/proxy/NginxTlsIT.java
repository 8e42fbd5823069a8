package bascule.proxy;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import bascule.testing.Answer;
import bascule.testing.Load;
import bascule.testing.Nginx;
import bascule.testing.Peers;
import bascule.testing.RunningDaemon;
import bascule.testing.Told;
import bascule.testing.Wire;
import bascule.tls.testing.TestAuthority;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// TLS towards nginx: what it sees of us, and what passes through.
final class NginxTlsIT {
    @TempDir Path folder;

    private final TestAuthority authority = TestAuthority.named("Servers");

    private Nginx nginx(String directives) throws Exception {
        return nginx(directives, "ssl");
    }

    private Nginx nginx(String directives, String listen) throws Exception {
        Peers.require("nginx");
        authority.file(folder.resolve("ca.pem"));
        authority.issue("app.example.com").writeApart(folder, "server");
        authority.issueClient("edge1").writeApart(folder, "own");
        return new Nginx(
                "tls",
                folder,
                """
                listen ADDRESS %3$s;
                root FOLDER/www;
                ssl_certificate %1$s/server.pem;
                ssl_certificate_key %1$s/server.key;
                client_max_body_size 10m;
                location = /large { }
                location = /who { return 200 "$ssl_protocol $ssl_session_reused $ssl_server_name $ssl_client_s_dn"; }
                %2$s
                """
                        .formatted(folder, directives, listen));
    }

    private RunningDaemon daemon(Nginx nginx) {
        return daemon(nginx, "");
    }

    private RunningDaemon daemon(Nginx nginx, String keys) {
        return RunningDaemon.start(
                """
                loops = 1
                listeners.web { bind = "127.0.0.1:0", backend = web, limits.connections = 9 }
                backends.web {
                  servers = ["%1$s"]
                  tls { ca = "%2$s/ca.pem", name = app.example.com, certificate = "%2$s/own.pem", key = "%2$s/own.key" }
                  %3$s
                }
                """
                        .formatted(nginx.address(), folder, keys));
    }

    private static String who(RunningDaemon daemon) {
        Answer answer = Answer.get(daemon.address("web"), "/who");
        assertThat(answer.status()).isEqualTo(200);
        return answer.body(US_ASCII);
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void givenServerThatWantsAConnectionPerRequest_whenAskedAgain_thenItsSessionIsResumed(
            String version) throws Exception {
        try (Nginx nginx =
                        nginx(
                                """
                                ssl_protocols %s;
                                ssl_verify_client on;
                                ssl_client_certificate %s/ca.pem;
                                keepalive_timeout 0;
                                """
                                        .formatted(version, folder));
                RunningDaemon daemon = daemon(nginx)) {
            String subject = " app.example.com CN=edge1";
            assertThat(who(daemon)).isEqualTo(version + " ." + subject);
            for (int i = 0; i < 5; i++) assertThat(who(daemon)).isEqualTo(version + " r" + subject);
        }
    }

    @Test
    void givenServerThatKeepsConnections_whenLargeBodiesCome_thenTheyAreWholeOverOneConnection()
            throws Exception {
        try (Nginx nginx = nginx("keepalive_requests 1000;");
                RunningDaemon daemon = daemon(nginx);
                Wire client = Wire.connect(daemon.address("web"))) {
            for (int i = 0; i < 20; i++) {
                client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
                Answer answer = Answer.read(client, false);
                assertThat(answer.status()).isEqualTo(200);
                assertThat(answer.content()).isEqualTo(Load.LARGE);
            }
            daemon.awaitMetric(1, "bascule_server_pool_idle");
            assertThat(daemon.metric("bascule_connect_duration_seconds_count")).isEqualTo(1);
        }
    }

    @Test
    void givenNginxOverHttp2_whenAsked_thenWholeOverOneConnection() throws Exception {
        try (Nginx nginx = nginx("ssl_protocols TLSv1.3;", "ssl http2");
                RunningDaemon daemon = daemon(nginx, "protocol = h2")) {
            try (Wire client = Wire.connect(daemon.address("web"))) {
                for (int i = 0; i < 20; i++) {
                    client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
                    Answer answer = Answer.read(client, false);
                    assertThat(answer.status()).isEqualTo(200);
                    assertThat(answer.content()).isEqualTo(Load.LARGE);
                }
            }
            daemon.awaitMetric(1, "bascule_server_pool_idle");
            assertThat(daemon.metric("bascule_connect_duration_seconds_count")).isEqualTo(1);
            assertThat(who(daemon)).isEqualTo("TLSv1.3 . app.example.com ");
        }
    }

    @Test
    void givenNginxThatKnowsNoHttp2_whenAsked_then502() throws Exception {
        try (Told told = new Told();
                Nginx nginx = nginx("", "ssl");
                RunningDaemon daemon = daemon(nginx, "protocol = h2")) {
            assertThat(Answer.get(daemon.address("web"), "/who").status()).isEqualTo(502);
            told.await("server-tls-failed", "no application protocol");
        }
    }
}
