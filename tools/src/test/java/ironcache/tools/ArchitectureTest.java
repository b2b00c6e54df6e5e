package ironcache.tools;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.library.Architectures;
import com.tngtech.archunit.library.Architectures.LayeredArchitecture;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * Holds the code to the arrows of the house. The module descriptors say the same, but one line there changes them; this
 * table is the second signature. The bench module is not seen from here: nothing can use it, and it may use all.
 */
class ArchitectureTest {
    private static final String ROOT = "ironcache";

    /** Each module, and what it uses directly; what those use comes with it. */
    private static final Map<String, List<String>> USES = new LinkedHashMap<>();

    static {
        USES.put("ffm", List.of());
        USES.put("index", List.of("ffm"));
        USES.put("hybridlog", List.of("ffm"));
        USES.put("wal", List.of("ffm"));
        USES.put("parity", List.of("ffm"));
        USES.put("tiering", List.of("hybridlog", "index"));
        USES.put("engine", List.of("tiering", "wal"));
        USES.put("recovery", List.of("engine", "parity"));
        USES.put("datatypes", List.of("engine"));
        USES.put("resp", List.of("datatypes", "recovery"));
        USES.put("tools", List.of("resp"));
    }

    private static final JavaClasses HOUSE =
            new ClassFileImporter()
                    .withImportOption(new ImportOption.DoNotIncludeTests())
                    .importPackages(ROOT);

    @Test
    void arrowsPointDownOnly() {
        arrows().check(HOUSE);
    }

    @Test
    void everyModuleIsInTheTable() {
        Set<String> found = new LinkedHashSet<>();
        HOUSE.forEach(type -> found.add(type.getPackageName().split("\\.")[1]));
        assertTrue(found.size() > 1, "no classes were imported");
        found.removeAll(USES.keySet());
        assertEquals(Set.of(), found, "packages that the table of arrows does not know");
    }

    @Test
    void aPlantedArrowIsCaught() throws ClassNotFoundException {
        Class<?> planted = Class.forName("ironcache.hybridlog.planted.ReachesSideways");
        JavaClasses withPlanted =
                new ClassFileImporter().importClasses(planted, ironcache.index.HashIndex.class);
        assertTrue(arrows().evaluate(withPlanted).hasViolation());
    }

    @Test
    void packagesHaveNoCycles() {
        slices().matching(ROOT + ".(**)").should().beFreeOfCycles().check(HOUSE);
    }

    @Test
    void onlyTheIndexReadsTheVectorApi() {
        noClasses()
                .that()
                .resideOutsideOfPackage(ROOT + ".index..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("jdk.incubator.vector..")
                .check(HOUSE);
    }

    @Test
    void onlyTheBindingsCallNativeCode() {
        noClasses()
                .that()
                .resideOutsideOfPackage(ROOT + ".ffm..")
                .should()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.lang.foreign.Linker")
                .orShould()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.lang.foreign.SymbolLookup")
                .check(HOUSE);
    }

    @Test
    void namesSayWhatAClassIs() {
        classes()
                .should()
                .haveNameNotMatching(".*(Manager|Utils?|Impl|Helper)(\\$.*)?")
                .check(HOUSE);
    }

    private static ArchRule arrows() {
        LayeredArchitecture house =
                Architectures.layeredArchitecture()
                        .consideringOnlyDependenciesInLayers()
                        .withOptionalLayers(true);
        for (String module : USES.keySet()) {
            house = house.layer(module).definedBy(ROOT + "." + module + "..");
        }
        for (String module : USES.keySet()) {
            Set<String> reachable = new LinkedHashSet<>();
            reach(module, reachable);
            house =
                    reachable.isEmpty()
                            ? house.whereLayer(module).mayNotAccessAnyLayer()
                            : house.whereLayer(module)
                                    .mayOnlyAccessLayers(reachable.toArray(String[]::new));
        }
        return house;
    }

    private static void reach(String module, Set<String> reachable) {
        for (String used : USES.get(module)) {
            reachable.add(used);
            reach(used, reachable);
        }
    }
}
