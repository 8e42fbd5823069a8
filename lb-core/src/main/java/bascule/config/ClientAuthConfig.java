package bascule.config;

import bascule.tls.CaCertificates;
import bascule.tls.CaFile;
import bascule.tls.CertificateFault;
import bascule.tls.ClientAuth;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Whether clients of a listener, or of one of its hosts, have to show a certificate.
///
/// @param authorities what it has to lead to; null only with [ClientAuth#NONE]
/// @param file absolute: where these stood; null exactly if there are none
public record ClientAuthConfig(
        ClientAuth demand, @Nullable CaCertificates authorities, @Nullable Path file) {
    static final ClientAuthConfig NONE = new ClientAuthConfig(ClientAuth.NONE, null, null);

    private static final String EXPECTED = "a PEM file of CA certificates";

    /// Reads the keys `client-auth` and `client-ca` of a block.
    ///
    /// @param otherwise whose `client-ca` counts where none is given
    static ClientAuthConfig read(Section at, ClientAuthConfig otherwise) {
        ClientAuth demand =
                at.get("client-auth", Kind.choice(ClientAuth.class), otherwise.demand());
        Path file = at.find("client-ca", Kind.file(EXPECTED, at.folder()));
        CaCertificates authorities = file == null ? null : authorities(at, file);
        if (demand == ClientAuth.NONE) {
            if (at.has("client-ca"))
                at.refuse("client-ca", "is never asked", "client-auth = optional or required");
            return NONE;
        }
        if (at.has("client-ca")) return new ClientAuthConfig(demand, authorities, file);
        if (otherwise.authorities() == null && otherwise.demand() == ClientAuth.NONE)
            at.refuseMissing("client-ca", EXPECTED + ", since client-auth asks");
        return new ClientAuthConfig(demand, otherwise.authorities(), otherwise.file());
    }

    private static @Nullable CaCertificates authorities(Section at, Path file) {
        return switch (CaFile.read(file, Instant.now())) {
            case CaFile.Read.Loaded(CaCertificates all) -> all;
            case CaFile.Read.Faulty(List<CertificateFault> faults) -> {
                for (CertificateFault fault : faults)
                    TlsConfig.refuse(at, "client-ca", file, fault);
                yield null;
            }
        };
    }
}
