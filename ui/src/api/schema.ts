/**
 * Shapes of the HTTP interface, in the form openapi-typescript writes them: `npm run generate` replaces this file from
 * openapi.json. Import through ./types, never from here.
 */

export interface paths {
  "/api/v1/overview": {
    get: {
      parameters: {};
      responses: {
        200: { headers: { [name: string]: unknown }; content: { "application/json": components["schemas"]["Overview"] } };
        default: { headers: { [name: string]: unknown }; content: { "application/json": components["schemas"]["Problem"] } };
      };
    };
  };
  "/api/v1/incidents": {
    get: {
      parameters: { query?: { group?: components["schemas"]["Group"]; q?: string; limit?: number; after?: string }; };
      responses: {
        200: { headers: { [name: string]: unknown }; content: { "application/json": components["schemas"]["IncidentPage"] } };
        default: { headers: { [name: string]: unknown }; content: { "application/json": components["schemas"]["Problem"] } };
      };
    };
  };
  "/api/v1/incidents/{id}": {
    get: {
      parameters: { path: { id: string }; };
      responses: {
        200: { headers: { [name: string]: unknown }; content: { "application/json": components["schemas"]["IncidentView"] } };
        default: { headers: { [name: string]: unknown }; content: { "application/json": components["schemas"]["Problem"] } };
      };
    };
  };
  "/api/v1/incidents/{id}/approve": {
    post: {
      parameters: { path: { id: string }; };
      requestBody: { content: { "application/json": { plan_hash: string; typed_target: string | null } } };
      responses: {
        200: { headers: { [name: string]: unknown }; content: { "application/json": components["schemas"]["IncidentView"] } };
        default: { headers: { [name: string]: unknown }; content: { "application/json": components["schemas"]["Problem"] } };
      };
    };
  };
  "/api/v1/incidents/{id}/reject": {
    post: {
      parameters: { path: { id: string }; };
      requestBody: { content: { "application/json": { plan_hash: string; reason: "wrong_fix" | "wrong_cause" | "not_now" | "other"; comment: string | null } } };
      responses: {
        200: { headers: { [name: string]: unknown }; content: { "application/json": components["schemas"]["IncidentView"] } };
        default: { headers: { [name: string]: unknown }; content: { "application/json": components["schemas"]["Problem"] } };
      };
    };
  };
  "/api/v1/incidents/{id}/acknowledge": {
    post: {
      parameters: { path: { id: string }; };
      requestBody: { content: { "application/json": Record<string, never> } };
      responses: {
        200: { headers: { [name: string]: unknown }; content: { "application/json": components["schemas"]["IncidentView"] } };
        default: { headers: { [name: string]: unknown }; content: { "application/json": components["schemas"]["Problem"] } };
      };
    };
  };
  "/api/v1/incidents/{id}/snooze": {
    post: {
      parameters: { path: { id: string }; };
      requestBody: { content: { "application/json": { minutes: number } } };
      responses: {
        200: { headers: { [name: string]: unknown }; content: { "application/json": components["schemas"]["IncidentView"] } };
        default: { headers: { [name: string]: unknown }; content: { "application/json": components["schemas"]["Problem"] } };
      };
    };
  };
  "/api/v1/incidents/{id}/wake": {
    post: {
      parameters: { path: { id: string }; };
      requestBody: { content: { "application/json": Record<string, never> } };
      responses: {
        200: { headers: { [name: string]: unknown }; content: { "application/json": components["schemas"]["IncidentView"] } };
        default: { headers: { [name: string]: unknown }; content: { "application/json": components["schemas"]["Problem"] } };
      };
    };
  };
  "/api/v1/incidents/{id}/escalate": {
    post: {
      parameters: { path: { id: string }; };
      requestBody: { content: { "application/json": { comment: string } } };
      responses: {
        200: { headers: { [name: string]: unknown }; content: { "application/json": components["schemas"]["IncidentView"] } };
        default: { headers: { [name: string]: unknown }; content: { "application/json": components["schemas"]["Problem"] } };
      };
    };
  };
  "/api/v1/incidents/{id}/resolve": {
    post: {
      parameters: { path: { id: string }; };
      requestBody: { content: { "application/json": { comment: string } } };
      responses: {
        200: { headers: { [name: string]: unknown }; content: { "application/json": components["schemas"]["IncidentView"] } };
        default: { headers: { [name: string]: unknown }; content: { "application/json": components["schemas"]["Problem"] } };
      };
    };
  };
  "/api/v1/incidents/{id}/note": {
    post: {
      parameters: { path: { id: string }; };
      requestBody: { content: { "application/json": { text: string } } };
      responses: {
        200: { headers: { [name: string]: unknown }; content: { "application/json": components["schemas"]["IncidentView"] } };
        default: { headers: { [name: string]: unknown }; content: { "application/json": components["schemas"]["Problem"] } };
      };
    };
  };
  "/api/v1/automation": {
    get: {
      parameters: {};
      responses: {
        200: { headers: { [name: string]: unknown }; content: { "application/json": components["schemas"]["AutomationView"] } };
        default: { headers: { [name: string]: unknown }; content: { "application/json": components["schemas"]["Problem"] } };
      };
    };
    put: {
      parameters: {};
      requestBody: { content: { "application/json": { posture: components["schemas"]["Posture"]; minutes: number | null; reason: string | null } } };
      responses: {
        200: { headers: { [name: string]: unknown }; content: { "application/json": components["schemas"]["AutomationView"] } };
        default: { headers: { [name: string]: unknown }; content: { "application/json": components["schemas"]["Problem"] } };
      };
    };
  };
  "/api/v1/audit": {
    get: {
      parameters: { query?: { incident?: string; limit?: number; before?: string }; };
      responses: {
        200: { headers: { [name: string]: unknown }; content: { "application/json": components["schemas"]["AuditPage"] } };
        default: { headers: { [name: string]: unknown }; content: { "application/json": components["schemas"]["Problem"] } };
      };
    };
  };
  "/api/v1/demo/{name}": {
    post: {
      parameters: { path: { name: string }; };
      responses: {
        200: { headers: { [name: string]: unknown }; content: { "application/json": components["schemas"]["Overview"] } };
        default: { headers: { [name: string]: unknown }; content: { "application/json": components["schemas"]["Problem"] } };
      };
    };
  };
  "/api/v1/events": {
    get: {
      parameters: {};
      responses: {
        200: { headers: { [name: string]: unknown }; content: { "text/event-stream": components["schemas"]["LiveEvent"] } };
        default: { headers: { [name: string]: unknown }; content: { "application/json": components["schemas"]["Problem"] } };
      };
    };
  };
}

export interface components {
  schemas: {
    Severity: "critical" | "high" | "medium" | "low" | "info";
    StateName: "detected" | "decided" | "awaiting_approval" | "queued" | "healing" | "verifying" | "escalated" | "snoozed" | "resolved" | "closed";
    Group: "needs_you" | "in_progress" | "recently_fixed" | "closed";
    DecisionKind: "auto" | "suggest" | "escalate";
    Posture: "on" | "observe" | "paused";
    Role: "viewer" | "approver" | "admin";
    ConfidenceBand: {
      value: number;
      band: "very_likely" | "likely" | "possible" | "unlikely" | "too_new";
      outcomes: number;
      words: string;
    };
    IncidentRow: {
      id: string;
      title: string;
      service: string;
      project: string;
      severity: components["schemas"]["Severity"];
      state: components["schemas"]["StateName"];
      state_words: string;
      group: components["schemas"]["Group"];
      opened_at: string;
      updated_at: string;
      last_signal_at: string;
      resolved_at: string | null;
      resolved_by: "automatic_fix" | "approved_fix" | "person" | "itself" | null;
      signal_count: number;
      acknowledged_by: string | null;
      confidence: components["schemas"]["ConfidenceBand"] | null;
      sparkline: number[];
    };
    IncidentPage: {
      incidents: components["schemas"]["IncidentRow"][];
      next: string | null;
    };
    StoryEntry: {
      at: string;
      kind: string;
      actor: string;
      title: string;
      detail: string | null;
      tone: "neutral" | "good" | "bad" | "attention";
    };
    SignalView: {
      id: string;
      kind: "log" | "health" | "metric" | "alert" | "ci";
      source: string;
      service: string;
      severity: components["schemas"]["Severity"];
      text: string;
      template: string;
      count: number;
      first_seen: string;
      last_seen: string;
      highlights: components["schemas"]["Span"][];
    };
    Span: {
      start: number;
      end: number;
    };
    Reason: {
      code: string;
      text: string;
    };
    TermContribution: {
      term: string;
      field: string;
      score: number;
    };
    MatchView: {
      pattern: string;
      name: string;
      relevance: number;
      pattern_confidence: number;
      decision_confidence: number;
      rule: "satisfied" | "not_satisfied" | "ruled_out" | "none";
      rule_detail: string | null;
      terms: components["schemas"]["TermContribution"][];
      notes: string[];
      action: string | null;
      root_cause: string;
    };
    DecisionView: {
      kind: components["schemas"]["DecisionKind"];
      confidence: number;
      band: components["schemas"]["ConfidenceBand"];
      at: string;
      reasons: components["schemas"]["Reason"][];
      would_change: components["schemas"]["Reason"][];
      candidates: components["schemas"]["MatchView"][];
    };
    GateView: {
      number: number;
      gate: string;
      title: string;
      passed: boolean;
      reason: string;
      until: string | null;
      consequence: string | null;
    };
    PlanStep: {
      index: number;
      call: string;
      detail: string;
    };
    PlanView: {
      hash: string;
      pattern: string;
      pattern_name: string;
      action: string;
      action_words: string;
      service: string;
      target: string;
      host: string;
      why: string;
      state_now: string;
      previewed_at: string;
      steps: components["schemas"]["PlanStep"][];
      instances: number;
      dependants: string[];
      blast_radius: string;
      checks: string[];
      undo: string | null;
      irreversible: boolean;
      confirm_by_typing: string | null;
      parameters: { name: string; value: string }[];
    };
    ApprovalView: {
      plan_hash: string;
      expires_at: string;
      on_expiry: string;
      approved_by: string | null;
      approved_at: string | null;
    };
    AttemptView: {
      event: string;
      pattern: string;
      action: string;
      target: string;
      status: string;
      outcome: string | null;
      verdict: string | null;
      started_at: string;
      finished_at: string | null;
      verified_at: string | null;
      confidence_before: number | null;
      confidence_after: number | null;
    };
    CheckReading: {
      name: string;
      ok: boolean;
      detail: string;
    };
    VerificationView: {
      started_at: string;
      clear_since: string | null;
      stable_at: string | null;
      deadline: string;
      symptom_last_seen: string | null;
      readings: components["schemas"]["CheckReading"][];
    };
    Timing: {
      detect: number | null;
      decide: number | null;
      act: number | null;
      verify: number | null;
      total: number | null;
    };
    Capability: {
      allowed: boolean;
      reason: string | null;
    };
    Capabilities: {
      approve: components["schemas"]["Capability"];
      reject: components["schemas"]["Capability"];
      acknowledge: components["schemas"]["Capability"];
      snooze: components["schemas"]["Capability"];
      wake: components["schemas"]["Capability"];
      escalate: components["schemas"]["Capability"];
      resolve: components["schemas"]["Capability"];
      note: components["schemas"]["Capability"];
    };
    IncidentView: {
      incident: components["schemas"]["IncidentRow"];
      root_cause: string | null;
      impact: string;
      story: components["schemas"]["StoryEntry"][];
      signals: components["schemas"]["SignalView"][];
      decision: components["schemas"]["DecisionView"] | null;
      gates: components["schemas"]["GateView"][];
      plan: components["schemas"]["PlanView"] | null;
      approval: components["schemas"]["ApprovalView"] | null;
      attempts: components["schemas"]["AttemptView"][];
      verification: components["schemas"]["VerificationView"] | null;
      seconds: components["schemas"]["Timing"];
      can: components["schemas"]["Capabilities"];
      primary: "approve" | "acknowledge" | "resolve" | "wake" | null;
    };
    AutomationView: {
      posture: components["schemas"]["Posture"];
      effective: components["schemas"]["Posture"];
      ceiling: components["schemas"]["Posture"];
      until: string | null;
      set_by: string;
      set_at: string;
      reason: string | null;
      can_change: components["schemas"]["Capability"];
    };
    EngineView: {
      role: "leader" | "follower" | "stopped";
      holder: string | null;
      problem: string | null;
    };
    QuietView: {
      since: string | null;
      signals_today: number;
      fixed_today: number;
      fixed_today_by_itself: number;
      sources_watched: number;
      checks_watched: number;
    };
    DemoScenario: {
      name: string;
      title: string;
      description: string;
      running: boolean;
    };
    Overview: {
      version: string;
      automation: components["schemas"]["AutomationView"];
      engine: components["schemas"]["EngineView"];
      quiet: components["schemas"]["QuietView"];
      counts: Record<"needs_you" | "in_progress" | "recently_fixed", number>;
      audit: { entries: number; ok: boolean; first_bad: string | null };
      me: { name: string; role: components["schemas"]["Role"] };
      demo: components["schemas"]["DemoScenario"][] | null;
      now: string;
    };
    AuditEntry: {
      id: string;
      at: string;
      event_type: string;
      actor: string;
      incident_id: string | null;
      pattern_id: string | null;
      confidence: number | null;
      action: string | null;
      target: string | null;
      result: string;
      controls: string[];
      details: unknown;
      hash: string;
      prev_hash: string;
    };
    AuditPage: {
      entries: components["schemas"]["AuditEntry"][];
    };
    Problem: {
      code: string;
      what: string;
      why: string;
      next: string;
    };
    LiveEvent: { kind: "incident_changed"; incident: string; state: components["schemas"]["StateName"] } | { kind: "automation_changed" } | { kind: "engine_changed" } | { kind: "open_incident"; incident: string };
  };
}
