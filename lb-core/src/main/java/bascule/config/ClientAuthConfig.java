package bascule.config;

import bascule.tls.CaCertificates;
import bascule.tls.ClientAuth;
import org.jspecify.annotations.Nullable;

/// Whether clients of a listener, or of one of its hosts, have to show a certificate.
///
/// @param ca what it has to lead to; null only with [ClientAuth#NONE]
public record ClientAuthConfig(ClientAuth demand, @Nullable CaConfig ca) {
    static final ClientAuthConfig NONE = new ClientAuthConfig(ClientAuth.NONE, null);

    /// Reads the keys `client-auth` and `client-ca` of a block.
    ///
    /// @param otherwise whose `client-ca` counts where none is given
    static ClientAuthConfig read(Section at, ClientAuthConfig otherwise) {
        ClientAuth demand =
                at.get("client-auth", Kind.choice(ClientAuth.class), otherwise.demand());
        CaConfig ca = CaConfig.read(at, "client-ca");
        if (demand == ClientAuth.NONE) {
            if (at.has("client-ca"))
                at.refuse("client-ca", "is never asked", "client-auth = optional or required");
            return NONE;
        }
        if (at.has("client-ca")) return new ClientAuthConfig(demand, ca);
        if (otherwise.ca() == null && otherwise.demand() == ClientAuth.NONE)
            at.refuseMissing("client-ca", CaConfig.EXPECTED + ", since client-auth asks");
        return new ClientAuthConfig(demand, otherwise.ca());
    }

    /// The CAs; null exactly if there is no [#ca].
    public @Nullable CaCertificates authorities() {
        return ca == null ? null : ca.certificates();
    }
}
