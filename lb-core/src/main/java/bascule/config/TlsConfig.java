package bascule.config;

import static java.time.Duration.ofMillis;
import static java.time.Duration.ofMinutes;
import static java.time.Duration.ofSeconds;

import bascule.tls.CertificateFault;
import bascule.tls.CertificateFolder;
import bascule.tls.CertificateSet;
import bascule.tls.TlsPolicy;
import bascule.tls.TlsVersion;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/// A `tls` block of a listener.
///
/// @param folder absolute: where certificates and keys stand; the key is `certificates`
/// @param certificates what stood there when it was read last
/// @param strictSni is a client turned away that asks for a host, or for none, without a certificate of its own?
/// @param clientAuth of all hosts but those that `hosts` names
/// @param hosts sorted by host; for a name the exact one counts, else the longest wildcard
/// @param hsts null = off
/// @param handshakeTime from the accept to the end of the handshake
public record TlsConfig(
        Path folder,
        CertificateSet certificates,
        TlsPolicy policy,
        TlsVersion minimum,
        boolean strictSni,
        ClientAuthConfig clientAuth,
        List<Host> hosts,
        @Nullable HstsConfig hsts,
        Duration handshakeTime) {
    private static final Path NOWHERE = Path.of("/");

    /// What is different for one host, or for all below one.
    public record Host(HostPattern host, ClientAuthConfig clientAuth) {}

    public TlsConfig {
        hosts = List.copyOf(hosts);
    }

    /// @return empty if there are no certificates: refused
    static Optional<TlsConfig> read(Section at) {
        Path folder = at.require("certificates", Kind.folder(at.folder()), NOWHERE);
        CertificateSet certificates = null;
        if (folder != NOWHERE) {
            switch (CertificateFolder.read(folder, Instant.now())) {
                case CertificateFolder.Read.Loaded(CertificateSet set) -> certificates = set;
                case CertificateFolder.Read.Faulty(List<CertificateFault> faults) -> {
                    for (CertificateFault fault : faults) at.refuse("certificates", folder, fault);
                }
            }
        }
        TlsPolicy policy = at.get("policy", Kind.choice(TlsPolicy.class), TlsPolicy.INTERMEDIATE);
        TlsVersion least = policy == TlsPolicy.MODERN ? TlsVersion.TLS_1_3 : TlsVersion.TLS_1_2;
        TlsVersion minimum = at.get("minimum", Kind.choice(versions()), least);
        if (minimum.compareTo(least) < 0)
            at.refuse("minimum", "is below what policy = modern allows", "\"1.3\"");
        boolean strictSni = at.get("strict-sni", Kind.SWITCH, false);
        ClientAuthConfig clientAuth = ClientAuthConfig.read(at, ClientAuthConfig.NONE);
        List<Host> hosts =
                at.named(
                        "hosts",
                        HostPattern.KIND,
                        "client-auth",
                        1000,
                        (host, block) -> new Host(host, ClientAuthConfig.read(block, clientAuth)));
        HstsConfig hsts = at.blockIfOn("hsts", "max-age", HstsConfig::read);
        Duration handshake =
                at.duration("handshake-time", ofSeconds(10), ofMillis(1), ofMinutes(1));
        if (certificates == null) return Optional.empty();
        return Optional.of(
                new TlsConfig(
                        folder,
                        certificates,
                        policy,
                        minimum,
                        strictSni,
                        clientAuth,
                        hosts,
                        hsts,
                        handshake));
    }

    /// The same after the folder has changed.
    TlsConfig with(CertificateSet changed) {
        return new TlsConfig(
                folder,
                changed,
                policy,
                minimum,
                strictSni,
                clientAuth,
                hosts,
                hsts,
                handshakeTime);
    }

    static SequencedMap<String, TlsVersion> versions() {
        var versions = new LinkedHashMap<String, TlsVersion>();
        for (TlsVersion each : TlsVersion.values()) versions.put(text(each), each);
        return versions;
    }

    /// As the file has it.
    static String text(TlsVersion version) {
        return switch (version) {
            case TLS_1_2 -> "1.2";
            case TLS_1_3 -> "1.3";
        };
    }
}
