package bascule.tls;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.handler.ssl.ReferenceCountedOpenSslEngine;
import io.netty.handler.ssl.SslHandler;
import io.netty.internal.tcnative.SSL;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.jspecify.annotations.Nullable;

/// What a client and we agreed on. Of one connection, for its life; holds no key and nothing of the engine.
///
/// @param version as engines call it: `TLSv1.3`
/// @param cipher by its IANA name: `TLS_AES_128_GCM_SHA256`
/// @param sni the host that the client asked for, in lower case; null = none
/// @param resumed did it come with a ticket, so that nobody showed a certificate anew?
/// @param policy what was asked of the client
/// @param subject of the client's certificate, as RFC 4514 writes it, in printable ASCII (others as RFC 4514 §2.4 escapes them); null = it
///     showed none
/// @param fingerprint SHA-256 of that certificate, 64 lower-case hex digits; null exactly if there is no subject
public record TlsSession(
        String version,
        String cipher,
        @Nullable String sni,
        boolean resumed,
        ClientPolicy policy,
        @Nullable String subject,
        @Nullable String fingerprint) {
    private static final String HEX = "0123456789ABCDEF";

    /// Of a server's handler. To be called on its loop, after the handshake has succeeded and before the handler is closed. Cheap unless there is
    /// a client certificate.
    public static TlsSession of(SslHandler handler, TlsChoice choice, @Nullable String sni) {
        SSLEngine engine = handler.engine();
        X509Certificate client = choice.asksClient() ? peer(engine) : null;
        return new TlsSession(
                version(engine),
                engine.getSession().getCipherSuite(),
                sni,
                isResumed(engine),
                choice.policy(),
                client == null ? null : printable(client.getSubjectX500Principal().getName()),
                client == null ? null : Fingerprints.of(client));
    }

    /// Of a handler of [BackendTls]: as [#of(SslHandler, TlsChoice, String)], without a client's certificate. For tests.
    static TlsSession ofClient(SslHandler handler, @Nullable String sni) {
        SSLEngine engine = handler.engine();
        return new TlsSession(
                version(engine),
                engine.getSession().getCipherSuite(),
                sni,
                isResumed(engine),
                ClientPolicy.NOTHING,
                null,
                null);
    }

    private static String version(SSLEngine engine) {
        // The engine makes a new string each time it is asked.
        return switch (engine.getSession().getProtocol()) {
            case "TLSv1.3" -> "TLSv1.3";
            case "TLSv1.2" -> "TLSv1.2";
            case String other -> other;
        };
    }

    private static boolean isResumed(SSLEngine engine) {
        return engine instanceof ReferenceCountedOpenSslEngine open
                ? SSL.isSessionReused(open.sslPointer())
                : JdkSessions.isResumed(engine);
    }

    private static @Nullable X509Certificate peer(SSLEngine engine) {
        try {
            return engine.getSession().getPeerCertificates()[0] instanceof X509Certificate one
                    ? one
                    : null;
        } catch (SSLPeerUnverifiedException e) {
            return null; // It was only asked.
        }
    }

    /// Bytes that are no printable ASCII as a backslash and two hex digits (RFC 4514 §2.4). So it is a field value that nobody can take for two.
    static String printable(String text) {
        StringBuilder out = null;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean good = c >= ' ' && c < 0x7f;
            if (good && out == null) continue;
            if (out == null) out = new StringBuilder(text.length() + 16).append(text, 0, i);
            if (good) {
                out.append(c);
                continue;
            }
            int end = Character.isHighSurrogate(c) && i + 1 < text.length() ? i + 2 : i + 1;
            for (byte b : text.substring(i, end).getBytes(UTF_8))
                out.append('\\').append(HEX.charAt(b >> 4 & 15)).append(HEX.charAt(b & 15));
            i = end - 1;
        }
        return out == null ? text : out.toString();
    }
}
