package bascule.config;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// A header field that a route asks for.
///
/// @param name lower case
/// @param value compared byte for byte; null = the field's presence is enough
public record HeaderMatch(String name, @Nullable String value) {
    private static final Kind<String> NAME =
            Kind.text(
                            "the name of a header field",
                            "is no name of a field",
                            Kind.matches("[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}"))
                    .then(name -> name.toLowerCase(Locale.ROOT));

    private static final Kind<String> VALUE =
            Kind.text(
                    "up to 1024 visible ASCII characters, no blank at the ends",
                    "is no value of a field",
                    Kind.matches("([!-~]([ -~\\t]{0,1022}[!-~])?)?"));

    static HeaderMatch read(Section at) {
        return new HeaderMatch(at.require("name", NAME, "?"), at.find("value", VALUE));
    }
}
