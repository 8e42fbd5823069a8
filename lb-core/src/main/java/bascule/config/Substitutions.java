package bascule.config;

import bascule.config.Outline.Entry;
import bascule.config.Outline.Reference;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigResolveOptions;
import com.typesafe.config.ConfigResolver;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Fills in each `${…}`: from the files, else from the environment that was given, and from nothing of the machine's own.
/// The parser gives up over the first that leads nowhere; here such a one gets a stand-in, and the others their turn.
final class Substitutions implements ConfigResolver {
    /// What is wrong with `{ a = 1 } 5`.
    static final String MISFIT =
            "joins a block or a list with something else (expected: all blocks, or all lists)";

    private static final String EXPECTED =
            " (expected: a key of the files, or an environment variable)";
    private static final Pattern UNRESOLVED =
            Pattern.compile(".*?: \\$\\{(.*?)}( was part of a cycle .*)?");

    private final Map<String, String> environment;
    private final Places places;
    private final Problems problems;

    /// Whether there is a stand-in; it may fit nowhere, and that is no fault of its own.
    private boolean isUnset;

    Substitutions(Map<String, String> environment, Places places, Problems problems) {
        this.environment = environment;
        this.places = places;
        this.problems = problems;
    }

    /// @return null if there is nothing to walk; then there is a problem
    @Nullable ConfigObject fillIn(ConfigObject root) {
        try {
            return fillInEach(root.toConfig());
        } catch (ConfigException.WrongType e) {
            if (!isUnset) refuseJoin(places.ofFault(e));
        } catch (ConfigException e) {
            problems.add(places.ofFault(e), "", Sources.message(e));
        } catch (StackOverflowError _) { // Resolving is recursive, and no other end is in sight.
            var file = new Place(places.files().getFirst(), 0);
            problems.addAlone(file, "", "has too long a chain of substitutions");
        }
        return null;
    }

    private ConfigObject fillInEach(Config root) {
        ConfigResolveOptions options = ConfigResolveOptions.noSystem().appendResolver(this);
        Config left = root;
        for (int turns = places.references().size(); turns >= 0; turns--) {
            try {
                return left.resolve(options).root();
            } catch (ConfigException.UnresolvedSubstitution e) {
                Matcher message = UNRESOLVED.matcher(Sources.message(e));
                if (!message.matches()) throw e;
                String name = message.group(1);
                boolean isCycle = message.group(2) != null;
                refuse(name, places.ofFault(e), isCycle ? "leads back to itself" : notSet(name));
                left = left.withValue(name, standIn());
            }
        }
        throw new AssertionError("more substitutions fail than there are");
    }

    /// Called by the parser for what the files do not define.
    @Override
    public @Nullable ConfigValue lookup(String path) {
        List<Reference> meant = meant(path);
        for (Reference reference : meant) {
            String name = reference.name();
            String value = environment.get(name);
            if (value != null)
                return ConfigValueFactory.fromAnyRef(value, Places.originOfVariable(name));
        }
        List<Reference> required = meant.stream().filter(Reference::isRequired).toList();
        for (Reference each : required) refuse(each.name(), each.place(), notSet(each.name()));
        return required.isEmpty() ? null : standIn();
    }

    /// Within an include, the parser puts the path of the block that includes in front of the name.
    private List<Reference> meant(String path) {
        List<Reference> all = places.references();
        List<Reference> exact = all.stream().filter(each -> each.name().equals(path)).toList();
        if (!exact.isEmpty()) return exact;
        return all.stream().filter(each -> path.endsWith("." + each.name())).toList();
    }

    @Override
    public ConfigResolver withFallback(ConfigResolver fallback) {
        return this;
    }

    private String notSet(String name) {
        // Any key could be meant, but hardly any other is.
        var words = new ArrayList<>(environment.keySet());
        for (Entry entry : places.entries()) {
            if (entry.path().startsWith("let.")) words.add(entry.path());
        }
        return "is not set" + Spelling.suggest(name, words) + EXPECTED;
    }

    private ConfigValue standIn() {
        isUnset = true;
        return ConfigValueFactory.fromAnyRef("", Places.originOfUnset());
    }

    private void refuse(String name, Place place, String why) {
        for (Reference each : places.references()) {
            if (!each.place().equals(place) || !name.endsWith(each.name())) continue;
            problems.add(place, each.path(), "${" + each.name() + "}: " + why);
            return;
        }
        problems.add(place, "", "${" + name + "}: " + why);
    }

    /// @param place where one half of the join was written, which is not where they are joined
    private void refuseJoin(Place place) {
        for (Entry half : places.entries()) {
            if (!half.place().equals(place)) continue;
            for (Reference each : places.references()) {
                if (!each.name().equals(half.path())) continue;
                problems.add(each.place(), each.path(), "${" + each.name() + "} …: " + MISFIT);
                return;
            }
        }
        problems.add(place, "", MISFIT);
    }
}
