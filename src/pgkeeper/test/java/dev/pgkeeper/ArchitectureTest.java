package dev.pgkeeper;

import static com.tngtech.archunit.base.DescribedPredicate.anyElementThat;
import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongToAnyOf;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.properties.HasModifiers.Predicates.modifier;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noMethods;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import dev.pgkeeper.cli.Main;
import dev.pgkeeper.internal.observe.Observation;
import dev.pgkeeper.internal.path.ChildPaths;
import dev.pgkeeper.internal.session.Sessions;
import dev.pgkeeper.metrics.KeeperMetrics;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The directions in which packages may depend on each other. */
class ArchitectureTest {

  private static final JavaClasses CLASSES = ours();

  private static JavaClasses ours() {
    return new ClassFileImporter()
        .importPaths(
            Stream.of(Keeper.class, KeeperMetrics.class, Main.class)
                .map(ArchitectureTest::moduleOf)
                .toList());
  }

  private static Path moduleOf(Class<?> one) {
    try {
      return Path.of(one.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private static final String[] RECIPES = {
    "dev.pgkeeper.lock..",
    "dev.pgkeeper.election..",
    "dev.pgkeeper.cache..",
    "dev.pgkeeper.discovery..",
    "dev.pgkeeper.shared.."
  };

  @Test
  void recipesStandOnSessionsAndElseOnWhatEveryUserCanUse() {
    check(
        noClasses()
            .that()
            .resideInAnyPackage(RECIPES)
            .should()
            .dependOnClassesThat(
                resideInAPackage("dev.pgkeeper.internal..")
                    .and(not(belongToAnyOf(Sessions.class, ChildPaths.class)))
                    .and(not(resideInAPackage("dev.pgkeeper.internal.recipe..")))));
  }

  /** Only metrics ask a keeper for what is inside it. */
  @Test
  void nothingBelowAKeeperKnowsIt() {
    check(
        noClasses()
            .that()
            .resideInAnyPackage(RECIPES)
            .or()
            .resideInAnyPackage("dev.pgkeeper.internal..", "dev.pgkeeper.queue..")
            .and(not(belongToAnyOf(Observation.class)))
            .should()
            .dependOnClassesThat(belongToAnyOf(Keeper.class)));
  }

  @Test
  void theJdbcLayerKnowsNoOtherInternalPackage() {
    check(
        noClasses()
            .that()
            .resideInAPackage("dev.pgkeeper.internal.jdbc..")
            .should()
            .dependOnClassesThat(
                resideInAPackage("dev.pgkeeper.internal..")
                    .and(not(resideInAPackage("dev.pgkeeper.internal.jdbc..")))));
  }

  /**
   * Each package is a part of its own. The root is none: it has the door, which stands on
   * everything, and what everything stands on ({@link #nothingBelowAKeeperKnowsIt}).
   */
  @Test
  void noPackageStandsOnOneThatStandsOnIt() {
    check(slices().assignedFrom(new EachPackage()).should().beFreeOfCycles());
  }

  private static final class EachPackage implements SliceAssignment {
    @Override
    public SliceIdentifier getIdentifierOf(JavaClass one) {
      String name = one.getPackageName();
      return name.startsWith("dev.pgkeeper.") ? SliceIdentifier.of(name) : SliceIdentifier.ignore();
    }

    @Override
    public String getDescription() {
      return "each package";
    }
  }

  @Test
  void migrationsStandAlone() {
    check(
        noClasses()
            .that()
            .resideInAPackage("dev.pgkeeper.migration..")
            .should()
            .dependOnClassesThat(
                resideInAPackage("dev.pgkeeper..")
                    .and(not(resideInAPackage("dev.pgkeeper.migration..")))));
  }

  @Test
  void nothingDependsOnTheCommandLine() {
    check(
        noClasses()
            .that()
            .resideOutsideOfPackage("dev.pgkeeper.cli..")
            .should()
            .dependOnClassesThat(resideInAPackage("dev.pgkeeper.cli..")));
  }

  /** What a subject needs too is in the command line's own package, or in output or terminal. */
  @Test
  void subjectsOfTheCommandLineDoNotKnowEachOther() {
    List<String> subjects = List.of("look", "tree", "change", "shell", "top", "demo");
    for (String subject : subjects) {
      String[] others =
          subjects.stream()
              .filter(other -> !other.equals(subject))
              .map(other -> "dev.pgkeeper.cli." + other + "..")
              .toArray(String[]::new);
      check(
          noClasses()
              .that()
              .resideInAPackage("dev.pgkeeper.cli." + subject + "..")
              .should()
              .dependOnClassesThat(resideInAnyPackage(others)));
    }
  }

  @Test
  void onlyWhatNeedsATerminalUsesOne() {
    check(
        noClasses()
            .that()
            .resideOutsideOfPackages(
                "dev.pgkeeper.cli.shell..", "dev.pgkeeper.cli.top..", "dev.pgkeeper.cli.terminal..")
            .should()
            .dependOnClassesThat(resideInAPackage("org.jline..")));
  }

  @Test
  void thePageNeedsOnlyViewsAndFunctions() {
    check(
        noClasses()
            .that()
            .resideInAPackage("dev.pgkeeper.ui..")
            .should()
            .dependOnClassesThat(
                resideInAPackage("dev.pgkeeper..")
                    .and(not(resideInAPackage("dev.pgkeeper.ui..")))));
  }

  @Test
  void onlyTheCommandLineAndTheDemoUseWhatALibraryDoesNotNeed() {
    check(
        noClasses()
            .that()
            .resideOutsideOfPackages("dev.pgkeeper.cli..", "dev.pgkeeper.demo..")
            .should()
            .dependOnClassesThat(resideInAnyPackage("picocli..", "io.zonky..")));
  }

  @Test
  void onlyMetricsUseMicrometerAndNothingUsesMetrics() {
    check(
        noClasses()
            .that()
            .resideOutsideOfPackage("dev.pgkeeper.metrics..")
            .should()
            .dependOnClassesThat(resideInAnyPackage("io.micrometer..", "dev.pgkeeper.metrics..")));
  }

  @Test
  void nothingUsesFlyway() {
    check(noClasses().should().dependOnClassesThat(resideInAPackage("org.flywaydb..")));
  }

  /**
   * Nothing internal can be reached by name from outside: what users see takes and returns public
   * types.
   */
  @Test
  void thePublicTypesShowNothingInternal() {
    DescribedPredicate<JavaClass> internal = resideInAPackage("dev.pgkeeper.internal..");
    check(
        noMethods()
            .that()
            .arePublic()
            .and()
            .areDeclaredInClassesThat(
                resideInAnyPackage(
                        "dev.pgkeeper",
                        "dev.pgkeeper.tree..",
                        "dev.pgkeeper.line..",
                        "dev.pgkeeper.lock..",
                        "dev.pgkeeper.election..",
                        "dev.pgkeeper.cache..",
                        "dev.pgkeeper.discovery..",
                        "dev.pgkeeper.shared..",
                        "dev.pgkeeper.job..",
                        "dev.pgkeeper.doctor..",
                        "dev.pgkeeper.metrics..",
                        "dev.pgkeeper.queue..")
                    .and(publicClasses()))
            .should()
            .haveRawReturnType(internal)
            .orShould()
            .haveRawParameterTypes(anyElementThat(internal)));
  }

  private static DescribedPredicate<JavaClass> publicClasses() {
    return modifier(JavaModifier.PUBLIC).forSubtype();
  }

  /** A package that does not exist yet breaks no rule. */
  private static void check(ArchRule rule) {
    rule.allowEmptyShould(true).check(CLASSES);
  }
}
