package bascule.config;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// A `tls` block of a backend: its servers are spoken to over TLS.
///
/// @param verify whether a server must show a certificate that a CA vouches for, and that bears its name
/// @param ca those CAs; null = those that the system trusts
/// @param name what the certificate must bear, and what the server is asked for (SNI), in lower case; null = the name or the address
///     by which the file knows the server
/// @param certificate our own, for servers that ask for one; null = none
/// @param key of that certificate, null exactly if that is
public record BackendTlsConfig(
        boolean verify,
        @Nullable PemFile ca,
        @Nullable String name,
        @Nullable PemFile certificate,
        @Nullable PemFile key) {
    private static final Kind<String> NAME = new Kind<>("a DNS name", BackendTlsConfig::name);

    private static Kind.Read<String> name(String text) {
        String name = text.equals(Kind.OFF) ? null : HostPattern.dns(text);
        if (name == null || HostPattern.endsInNumber(name)) return Kind.bad("is no DNS name");
        return Kind.good(name);
    }

    static BackendTlsConfig read(Section at) {
        boolean verify = at.get("verify", Kind.SWITCH, true);
        Kind<PemFile> file = PemFile.kind(at.folder());
        PemFile ca = at.find("ca", file);
        String name = at.find("name", NAME);
        PemFile certificate = at.find("certificate", file);
        PemFile key = at.find("key", file);
        if (!verify && at.has("ca"))
            at.refuse("ca", "is asked nothing without verify", "verify = on, or no ca");
        for (String one : List.of("certificate", "key")) {
            String other = one.equals("key") ? "certificate" : "key";
            if (at.has(one) && !at.has(other)) at.refuse(one, "has no " + other, "both or neither");
        }
        return new BackendTlsConfig(verify, ca, name, certificate, key);
    }
}
