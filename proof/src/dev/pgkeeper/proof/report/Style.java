package dev.pgkeeper.proof.report;

/** How the page looks, by day and by night, on a desk and on a phone. */
final class Style {
  /** Clients are told apart by {@code --c0} to {@code --c5}, in bars and in the legend. */
  static final String CSS =
      """
      :root { color-scheme: light dark; --paper: #fff; --ink: #1c2128; --faint: #5b6470; --line: #d5dae0; --good: #136c34;
        --bad: #b3261e; --fault: #b3261e; --c0: #2f6fde; --c1: #c77700; --c2: #15803d; --c3: #8b3fc4; --c4: #0e7c86; --c5: #a8324f; }
      @media (prefers-color-scheme: dark) { :root { --paper: #14171b; --ink: #e4e7eb; --faint: #9aa4b0; --line: #343b44;
        --good: #5fce85; --bad: #ff8f85; --fault: #ff8f85; --c0: #7aa7f7; --c1: #f0a94a; --c2: #5fce85; --c3: #c79af0; --c4: #5cc8d2;
        --c5: #f08aa4; } }
      body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
      main { max-width: 1200px; margin: 0 auto; padding: 1rem; }
      h1 { font-size: 1.5rem; margin: 0.5rem 0; } h2 { font-size: 1.2rem; margin: 2rem 0 0.25rem; }
      .verdict { font-size: 1.15rem; font-weight: 600; } .good { color: var(--good); } .bad { color: var(--bad); }
      .quiet { color: var(--faint); overflow-wrap: anywhere; }
      table { border-collapse: collapse; width: 100%; margin: 0.75rem 0; }
      th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.6rem 0.3rem 0; border-bottom: 1px solid var(--line); }
      th { color: var(--faint); font-weight: 500; } td:first-child { font-weight: 600; white-space: nowrap; }
      details { overflow-wrap: anywhere; color: var(--faint); font-size: 0.85rem; }
      .scroll { overflow-x: auto; margin: 0.75rem 0; } svg { min-width: 900px; width: 100%; height: auto; display: block; }
      svg text { fill: var(--ink); font: 12px system-ui, sans-serif; } svg .faint { fill: var(--faint); }
      svg .grid { stroke: var(--line); } svg .fault { fill: var(--fault); } svg .crash { fill: var(--fault); opacity: 0.16; }
      svg.small { min-width: 160px; max-width: 240px; }
      .c0 { fill: var(--c0); } .c1 { fill: var(--c1); } .c2 { fill: var(--c2); } .c3 { fill: var(--c3); } .c4 { fill: var(--c4); }
      .c5 { fill: var(--c5); } svg .rate { fill: none; stroke: var(--faint); stroke-width: 1.5; }
      .legend span { margin-right: 1rem; white-space: nowrap; } .legend i { display: inline-block; width: 0.8em; height: 0.8em;
        margin-right: 0.35em; border-radius: 2px; }
      @media (max-width: 640px) { table, tbody, tr, td { display: block; } thead { display: none; }
        td { border: 0; padding: 0.1rem 0; } tr { border-bottom: 1px solid var(--line); padding: 0.4rem 0; display: block; } }
      """;

  private Style() {}
}
