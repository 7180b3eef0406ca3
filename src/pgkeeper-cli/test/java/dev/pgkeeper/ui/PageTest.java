package dev.pgkeeper.ui;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.pgkeeper.Held;
import dev.pgkeeper.Keeper;
import dev.pgkeeper.testing.Await;
import dev.pgkeeper.testing.PrivateServer;
import dev.pgkeeper.testing.TestDatabase;
import dev.pgkeeper.tree.CreateMode;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The page as somebody uses it: in Chromium, against a real database. */
class PageTest {
  private static final List<String> VIEWS =
      List.of("overview", "tree", "locks", "elections", "sessions", "queues", "jobs", "history");
  private static final int PHONE = 360;
  private static Browser browser;

  private TestDatabase database;
  private Scene scene;
  private Page page;

  @BeforeAll
  static void openBrowser() {
    browser = Browser.open();
  }

  @AfterAll
  static void closeBrowser() throws IOException {
    if (browser != null) {
      browser.close();
    }
  }

  @BeforeEach
  void open() throws Exception {
    database = TestDatabase.fresh();
    scene = new Scene(database);
    page = Page.open(new TestSource(database, ""), 0, true);
    browser.look(1280, 900, false);
  }

  @AfterEach
  void close() {
    page.close();
    scene.close();
    database.close();
  }

  private void show(String view) {
    browser.go(page.address() + "#/" + view);
    browser.until("document.querySelector('#view[aria-busy=false] h1')");
  }

  private static String tile(String name) {
    return "[data-key='" + name + "'] .value";
  }

  @Test
  void theOverviewShowsHowItIs() {
    show("overview");
    browser.untilText(tile("Sessions"), "3");
    assertThat(browser.text(tile("Locks held"))).isEqualTo("1");
    assertThat(browser.text(tile("Waiting for a lock"))).isEqualTo("2");
    browser.untilText(tile("Messages waiting"), "3");
    assertThat(browser.text(tile("Elections"))).isEqualTo("1");
    assertThat(browser.text(tile("Jobs"))).isEqualTo("2");
    assertThat(browser.text("#remarks")).contains("1 job did not end well", "dead letters");
    assertThat(browser.text("#state")).startsWith("Live");
    assertThat(browser.text(".facts")).contains("primary");
  }

  /** Who may not see what others do is not told that there is nothing. */
  @Test
  void aRoleThatSeesItsOwnTransactionsOnlyIsToldSo() throws Exception {
    String inspector = database.roleName("inspector");
    database.execute("CREATE ROLE " + inspector);
    database.execute("CALL ${schema}.grant_inspector('" + inspector + "')");
    try (Page blind = Page.open(new TestSource(database, inspector), 0, false)) {
      browser.go(blind.address() + "#/overview");
      browser.untilText(".facts", "Oldest transaction");
      assertThat(browser.text(".facts")).contains("of this role: ");
    } finally {
      database.execute("DROP OWNED BY " + inspector);
      database.execute("DROP ROLE " + inspector);
    }
    show("overview");
    browser.untilText(".facts", "Oldest transaction");
    assertThat(browser.text(".facts")).doesNotContain("of this role");
  }

  /** No look comes through; and the page's clock runs on by what makes the last one old. */
  @Test
  void whatIsShownTellsItsAgeAndIsAmberOnceItIsOld() throws Exception {
    show("overview");
    browser.until("document.querySelector('#state.live')");
    try (Connection kept = database.connect();
        Statement statement = kept.createStatement()) {
      kept.setAutoCommit(false);
      statement.execute("LOCK TABLE " + database.schema() + ".job");
      browser.value(
          "(() => { const right = Date.now; Date.now = () => right() + 13000; return 1; })()");
      browser.until("document.querySelector('#state.old')");
      assertThat(browser.text("#state")).startsWith("Old · 1").endsWith(" s ago");
    }
    browser.until("document.querySelector('#state.live')");
    assertThat(browser.text("#state")).startsWith("Live · ");
  }

  @Test
  void aLockShowsWhoHoldsItAndWhoWaitsInOrder() {
    show("locks");
    browser.untilText(".card h2", Scene.ORDER);
    assertThat(clients(".held")).isEqualTo("orders-1");
    assertThat(clients(".waits")).isEqualTo("orders-2,mailer");
    assertThat(browser.text(".held .where")).contains("session " + scene.first.session().id());
  }

  private static String clients(String line) {
    return browser.value(
        "[...document.querySelectorAll('" + line + " .client')].map(e => e.innerText).join()");
  }

  @Test
  void aHandOffIsSeenWithoutReloading() throws Exception {
    show("locks");
    browser.untilText(".held .client", "orders-1");
    browser.value("window.sameDocument = true");
    scene.held.release();
    browser.untilText(".held .client", "orders-2");
    assertThat(clients(".waits")).isEqualTo("mailer");
    scene.next.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS).release();
    browser.untilText(".held .client", "mailer");
    scene.last.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS).release();
    browser.untilText(".empty", "No lock is held");
    assertThat(browser.value("window.sameDocument")).isEqualTo("true");
  }

  @Test
  void anElectionShowsItsLeaderAndItsCandidates() {
    show("elections");
    browser.untilText(".leads", "node-1");
    assertThat(browser.text(".line li:nth-child(2)")).contains("node-2", "orders-2");
  }

  @Test
  void sessionsComeAndGo() {
    show("sessions");
    browser.until("document.querySelectorAll('tbody tr').length === 3");
    Keeper fourth = scene.keeper("late");
    browser.untilText("tbody", "late");
    assertThat(browser.text("tbody")).contains("orders-1", "orders-2", "mailer", "connected");
    fourth.close();
    browser.until("!document.querySelector('tbody').innerText.includes('late')");
  }

  @Test
  void aFilterLeavesWhatHasTheText() {
    show("sessions");
    browser.untilText("tbody", "mailer");
    browser.press("/");
    browser.until("document.activeElement.id === 'filter'");
    browser.type("#filter", "MAIL");
    browser.until("document.querySelectorAll('tbody tr').length === 1");
    browser.type("#filter", " nobody");
    browser.untilText("#view", "None of those shown has");
  }

  @Test
  void aQueueShowsWhereItsMessagesAre() {
    show("queues");
    browser.untilText(".queue .value", "3");
    assertThat(browser.text(".numbers .bad")).contains("1").contains("dead");
    scene.mails.enqueueAll(List.of("x", "y"));
    browser.untilText(".queue .value", "5");
    assertThat(browser.value("document.querySelector('.queue .chart').getAttribute('aria-label')"))
        .contains("5 now", "3 to 5");
  }

  @Test
  void aJobShowsItsRunsAndWhatWentWrong() {
    show("jobs");
    browser.untilText("[data-key=report]", "failed");
    assertThat(browser.value("document.querySelectorAll('[data-key=report] .strip li').length"))
        .isEqualTo("2");
    browser.click("[data-key=report] summary");
    browser.untilText("[data-key=report]", "the printer is out of paper");
    scene.first.jobs().once("report", "2026-11-21", connection -> {});
    browser.until("document.querySelectorAll('[data-key=report] .strip li').length === 3");
    browser.untilText("[data-key=report] details[open]", "2026-11-21");
  }

  @Test
  void theTreeIsUnfoldedByKeyboardAndFollowsChanges() {
    show("tree");
    browser.until("document.querySelector(\"[data-node='/services']\")");
    assertThat(browser.value("document.querySelector(\"[data-node='/services/mail']\")"))
        .isEqualTo("null");
    browser.value("document.querySelector(\"[data-node='/services']\").focus()");
    browser.press("ArrowRight");
    browser.until("document.querySelector(\"[data-node='/services/mail']\")");
    browser.press("ArrowDown");
    browser.press("ArrowRight");
    browser.until("document.querySelector(\"[data-node='/services/mail/m-1']\")");
    browser.press("ArrowDown");
    browser.untilText("aside", "ephemeral");
    assertThat(browser.text("aside"))
        .contains("/services/mail/m-1", String.valueOf(scene.first.session().id()));
    scene.first.tree().create("/services/mail/m-2", new byte[0], CreateMode.PERSISTENT);
    browser.until("document.querySelector(\"[data-node='/services/mail/m-2']\")");
    scene.first.tree().delete("/services/mail/m-1");
    browser.untilText("aside", "There is no such node");
    browser.until("document.activeElement.dataset.node === '/services/mail'");
    assertThat(browser.value("document.querySelector('.node[tabindex=\"0\"]').dataset.node"))
        .isEqualTo("/");
    browser.press("Home");
    browser.until("document.activeElement.dataset.node === '/'");
  }

  @Test
  void whatWasHeldIsFoundByPathAndByMoment() throws Exception {
    scene.held.release();
    scene.next.get(Await.LIMIT.toSeconds(), TimeUnit.SECONDS);
    show("history");
    browser.untilText("#holds", Scene.ORDER);
    assertThat(browser.text("#holds")).contains("orders-1", "released", "report", "failed");
    browser.type("[name=path]", Scene.ORDER);
    browser.press("Enter");
    browser.until("document.querySelectorAll('#holds tbody tr').length === 1");
    browser.value(
        "document.querySelector('[name=at]').value ="
            + " new Date(Date.now() - new Date().getTimezoneOffset() * 60000 + 1000).toISOString().slice(0, 19)");
    browser.click("#history-form button");
    browser.untilText("#holds", "held still");
    assertThat(browser.text("#holds")).contains("orders-2").doesNotContain("orders-1");
  }

  @Test
  void whatIsInTheDatabaseIsShownAsText() {
    String hostile = "<img src=x onerror=window.pwned=1><script>window.pwned=1<\\/script>";
    String name = "<img src=x onerror=window.pwned=1>";
    Keeper keeper = scene.keeper(name);
    Held held = keeper.lock("/" + name).tryAcquire().orElseThrow();
    keeper.tree().create("/services/" + name.replace('/', '-'), new byte[0], CreateMode.EPHEMERAL);
    keeper.jobs().once(name, "\"><svg onload=window.pwned=1>", connection -> {});
    for (String view : List.of("locks", "sessions", "jobs")) {
      show(view);
      browser.untilText("#view", name);
    }
    show("tree");
    browser.click("[data-node='/services']");
    browser.untilText(".tree", name);
    show("history");
    browser.untilText("#holds", "<svg onload");
    assertThat(browser.value("window.pwned")).isEqualTo("undefined");
    assertThat(
            browser.value(
                "document.querySelector('#view img, #view svg:not(.chart), #view script')"))
        .isEqualTo("null");
    // and if it were made markup by mistake, the browser would refuse it
    assertThat(
            browser.value(
                "(() => { try { document.body.innerHTML = "
                    + JsonText.quoted(hostile)
                    + "; return 'taken'; } catch (e) { return e.name; } })()"))
        .isEqualTo("TypeError");
    held.release();
  }

  /** With the printed link. Whoever leaves before the answer to it comes has used it up. */
  private void openByLink() {
    browser.go(page.link());
    browser.until(TOKEN + " !== null && location.hash === '#/overview'");
  }

  /** Escape sequences, controls that turn the text round, and characters that nobody sees. */
  @Test
  void charactersThatActAreShownAsMarks() {
    String name = "evil\u001b[2J\u0007\u009b\u202egnp\u2066\u200b";
    String marks = "evil␛[2J␇⟨U+009B⟩⟨U+202E⟩gnp⟨U+2066⟩⟨U+200B⟩";
    Keeper keeper = scene.keeper(name);
    Held held = keeper.lock("/\u202elock").tryAcquire().orElseThrow();
    keeper.jobs().once("\u202ejob", "\u202etick", connection -> {});
    keeper.tree().create("/services/\u202enode", new byte[0], CreateMode.PERSISTENT);
    openByLink();
    for (String view : List.of("locks", "sessions", "jobs", "history")) {
      show(view);
      browser.untilText("#view", view.equals("jobs") ? "⟨U+202E⟩job" : marks);
      assertThat(whatActs()).as(view).isEqualTo("[]");
    }
    show("tree");
    browser.click("[data-node='/services']");
    browser.untilText(".tree", "⟨U+202E⟩node");
    browser.click("[data-node='/services/\u202enode']");
    browser.untilText("aside", "/services/⟨U+202E⟩node");
    assertThat(whatActs()).isEqualTo("[]");
    show("locks");
    browser.click("[data-key='/\u202elock'] [data-change=break_lock]");
    browser.until("document.getElementById('dialog').open");
    assertThat(browser.text("#dialog-text")).contains("⟨U+202E⟩lock", marks);
    assertThat(whatActs()).isEqualTo("[]");
    browser.type("#dialog-why", "a test");
    browser.click("#dialog-do");
    browser.until("!document.getElementById('dialog').open");
    assertThat(whatActs()).isEqualTo("[]");
    Await.until("the exact path was broken", () -> !held.isHeld());
  }

  /** All that the page shows or lets be read aloud which has such a character. */
  private static String whatActs() {
    return browser.value(
        "JSON.stringify([document.title, ...[...document.querySelectorAll('body *')].flatMap(e => ["
            + "...[...e.childNodes].filter(n => n.nodeType === 3).map(n => n.data),"
            + " e.title, e.ariaLabel, e.placeholder])].filter(t =>"
            + " /[\\p{Cc}\\p{Cf}\\u2028\\u2029]/u.test((t ?? '').replace(/[\\n\\t]/g, ''))))");
  }

  @Test
  void aLockIsBrokenWithTheLinkAndAReason() throws Exception {
    openByLink();
    browser.value("location.hash = '#/locks'");
    browser.click("[data-change=break_lock]");
    browser.until("document.getElementById('dialog').open");
    assertThat(browser.text("#dialog-text")).contains(Scene.ORDER, "orders-1");
    browser.press("Enter");
    assertThat(browser.value("document.getElementById('dialog').open"))
        .as("without a reason nothing is done")
        .isEqualTo("true");
    browser.type("#dialog-why", "stuck since noon");
    browser.press("Enter");
    browser.untilText(".held .client", "orders-2");
    browser.untilText("#toast", "1 hold taken away");
    Await.until("its holder hears of it", () -> !scene.held.isHeld());
    assertThat(database.queryString("SELECT why FROM ${schema}.operations"))
        .isEqualTo("stuck since noon");
    browser.value("location.hash = '#/history'");
    browser.untilText("#view", "stuck since noon");
  }

  @Test
  void aWrongLinkIsRefusedAndTheRightOneTaken() {
    long third = scene.third.session().id();
    show("sessions");
    browser.value("sessionStorage.clear()");
    browser.click("[data-key='" + third + "'] [data-change=end_session]");
    browser.type("#dialog-why", "its host is gone");
    browser.type("#dialog-link", page.address() + "#link=0123456789abcdef0123456789abcdef");
    browser.click("#dialog-do");
    browser.untilText("#dialog-error", "not the one that was printed");
    assertThat(database.queryLong("SELECT count(*) FROM ${schema}.sessions")).isEqualTo(3);
    browser.value("document.getElementById('dialog-link').value = ''");
    browser.type("#dialog-link", page.link());
    browser.click("#dialog-do");
    browser.until("!document.querySelector('tbody').innerText.includes('mailer')");
    assertThat(database.queryString("SELECT target FROM ${schema}.operations"))
        .isEqualTo(Long.toString(third));
  }

  /** What the link is exchanged for, by whoever comes first. */
  private String enter() throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(page.address() + "enter"))
            .header("X-Pgkeeper-Link", page.link().replaceAll(".*#link=", ""))
            .POST(HttpRequest.BodyPublishers.noBody())
            .build();
    return HttpClient.newHttpClient()
        .send(request, HttpResponse.BodyHandlers.ofString())
        .body()
        .replaceAll(".*:\"|\"}", "");
  }

  private static final String TOKEN = "sessionStorage.getItem('pgkeeper-token')";

  @Test
  void aLinkInTheHistoryIsWorthNothing() {
    String link = page.link();
    browser.go(link);
    browser.until(TOKEN + " !== null && location.hash === '#/overview'");
    browser.value("sessionStorage.clear()");
    browser.go(link);
    browser.untilText("#toast", "this link was used before");
    assertThat(browser.value(TOKEN)).isEqualTo("null");
    assertThat(browser.value("document.cookie")).isEmpty();
    assertThat(browser.value("location.href")).doesNotContain("link");
  }

  @Test
  void anotherTabAndAReloadOfOneMakeChangesToo() {
    browser.go(page.link());
    browser.until(TOKEN + " !== null");
    String token = browser.value(TOKEN);
    browser.value("location.reload()");
    browser.until("document.querySelector('#view[aria-busy=false] h1')");
    assertThat(browser.value(TOKEN)).isEqualTo(token);
    // a tab that is opened with a script begins with a copy, so it is opened with nothing
    browser.value("sessionStorage.clear(), window.other = window.open('#/locks'), 1");
    browser.until("window.other.document.querySelector('#view[aria-busy=false] h1')");
    assertThat(browser.value("window.other." + TOKEN)).isEqualTo("null");
    browser.value("sessionStorage.setItem('pgkeeper-token', '" + token + "')");
    browser.value("window.other.location.reload()");
    browser.until("window.other." + TOKEN + " === '" + token + "'");
    browser.value("window.other.close()");
  }

  @Test
  void queuesJobsAndLeadersAreChangedToo() {
    openByLink();
    change("queues", "pause_queue");
    browser.untilText(".queue", "paused");
    change("queues", "redrive_queue");
    browser.untilText(".queue .value", "4");
    change("queues", "resume_queue");
    browser.until("document.querySelector('[data-change=pause_queue]')");
    change("jobs", "pause_job");
    browser.untilText(".card", "paused");
    change("jobs", "resume_job");
    browser.until("!document.querySelector('[data-change=resume_job]')");
    change("elections", "move_leadership");
    browser.untilText(".leads", "node-2");
    assertThat(database.queryLong("SELECT count(*) FROM ${schema}.operations")).isEqualTo(6);
  }

  private static void change(String view, String change) {
    browser.value("location.hash = '#/" + view + "'");
    browser.click("[data-change=" + change + "]");
    browser.type("#dialog-why", "a test");
    browser.click("#dialog-do");
    browser.until("!document.getElementById('dialog').open");
  }

  @Test
  void aPageThatOnlyShowsHasNoButtonsForChanges() throws IOException {
    try (Page showing = Page.open(new TestSource(database, ""), 0, false)) {
      browser.go(showing.address() + "#/locks");
      browser.untilText(".held", "orders-1");
      browser.untilText("#where", "read-only");
      assertThat(browser.value("document.querySelectorAll('[data-change]').length")).isEqualTo("0");
    }
  }

  @Test
  void anotherSitesPageReadsNothingAndChangesNothing() throws Exception {
    HttpServer evil =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    evil.createContext(
        "/",
        exchange -> {
          byte[] body = "<!doctype html><title>evil</title>".getBytes(StandardCharsets.UTF_8);
          exchange.getResponseHeaders().set("Content-Type", "text/html");
          exchange.sendResponseHeaders(200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    evil.start();
    try {
      browser.go("http://127.0.0.1:" + evil.getAddress().getPort() + "/");
      String tree = "fetch('" + page.address() + "ask/tree').then(r => r.text(), e => 'refused')";
      assertThat(browser.value(tree)).isEqualTo("refused");
      String live =
          "new Promise(done => { const e = new EventSource('"
              + page.address()
              + "live'); e.onopen = () => done('open'); e.onerror = () => done('refused'); })";
      assertThat(browser.value(live)).isEqualTo("refused");
      String blind =
          "fetch('%schange/pause_queue', {method: 'POST', mode: 'no-cors', body: '{\"queue\":\"mails\",\"why\":\"evil\"}'}).then(r => r.type, e => 'refused')";
      browser.value(blind.formatted(page.address()));
      String known =
          "fetch('%schange/pause_queue', {method: 'POST', headers: {'X-Pgkeeper-Token': '%s', 'Content-Type': 'application/json'}, body: '{\"queue\":\"mails\",\"why\":\"evil\"}'}).then(r => r.text(), e => 'refused')";
      assertThat(browser.value(known.formatted(page.address(), enter()))).isEqualTo("refused");
      String frame =
          "new Promise(done => { const f = document.createElement('iframe'); f.src = '"
              + page.address()
              + "'; f.onload = () => done(f.contentDocument ? 'readable' : 'refused'); document.body.append(f); })";
      assertThat(browser.value(frame)).isEqualTo("refused");
    } finally {
      evil.stop(0);
    }
    assertThat(database.queryLong("SELECT count(paused) FROM ${schema}.queues")).isZero();
  }

  @Test
  void itFitsAPhone() {
    browser.look(PHONE, 740, false);
    Keeper keeper = scene.keeper("a-client-with-a-name-that-is-longer-than-a-phone-is-wide-or-so");
    keeper
        .lock("/locks/with-a-path-that-is/longer-than-a-phone-is-wide/and-has-no-spaces")
        .tryAcquire();
    for (String view : VIEWS) {
      show(view);
      assertThat(browser.value("document.documentElement.scrollWidth"))
          .as(view)
          .isEqualTo(String.valueOf(PHONE));
    }
  }

  @Test
  void itIsDarkForWhoPrefersThat() {
    show("overview");
    String ground = "getComputedStyle(document.body).backgroundColor";
    String light = browser.value(ground);
    browser.look(1280, 900, true);
    browser.until(ground + " !== '" + light + "'");
    assertThat(light).isEqualTo("rgb(246, 247, 246)");
    assertThat(browser.value(ground)).isEqualTo("rgb(18, 23, 22)");
  }

  @Test
  void anEmptyDatabaseSaysSo() throws IOException {
    try (TestDatabase fresh = TestDatabase.fresh();
        Page empty = Page.open(new TestSource(fresh, ""), 0, false)) {
      browser.go(empty.address() + "#/locks");
      browser.untilText(".empty", "No lock is held");
      for (String view : List.of("elections", "sessions", "queues", "jobs", "history")) {
        browser.value("location.hash = '#/" + view + "'");
        browser.until(
            "location.hash === '#/" + view + "' && document.querySelector('.body .empty')");
      }
      browser.value("location.hash = '#/overview'");
      browser.untilText("#remarks", "Nothing needs attention");
    }
  }

  @Test
  void aLostDatabaseIsSaidAndComesBackByItself() throws Exception {
    try (PrivateServer server = PrivateServer.start();
        TestDatabase own = TestDatabase.freshOn(server);
        Page lost = Page.open(new TestSource(own, ""), 0, false)) {
      own.execute("SELECT ${schema}.queue_create('mails')");
      browser.go(lost.address() + "#/queues");
      browser.untilText(".queue h2", "mails");
      server.stopFast();
      browser.untilText("#notice", "The database cannot be asked");
      assertThat(browser.text("#notice")).contains("What is shown is from");
      assertThat(browser.text("#state")).contains("Lost");
      assertThat(browser.text(".queue h2")).isEqualTo("mails");
      server.startAgain();
      own.execute("SELECT ${schema}.queue_create('orders')");
      browser.untilText("#view", "orders");
      browser.until("document.getElementById('notice').hidden");
    }
  }

  @Test
  void aPageWhoseServerIsGoneSaysSoAndComesBack() throws Exception {
    show("locks");
    browser.untilText(".held", "orders-1");
    int port = URI.create(page.address()).getPort();
    page.close();
    browser.untilText("#notice", "server is not reached");
    page = Page.open(new TestSource(database, ""), port, true);
    browser.until("document.getElementById('notice').hidden");
    scene.held.release();
    browser.untilText(".held", "orders-2");
  }

  @Test
  void nobodyWhoLooksCostsTheDatabaseNothing() {
    show("locks");
    browser.untilText(".held", "orders-1");
    String own =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgkeeper ui' AND query LIKE '%"
            + database.schema()
            + ".health%'";
    assertThat(database.queryLong(own)).isEqualTo(1);
    browser.go("about:blank#");
    Await.until("the end of its connection", () -> database.queryLong(own) == 0);
  }
}
