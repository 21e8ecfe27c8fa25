/** What a person can choose for an incident: what the best candidates would do first, then what always can be asked for. */
import type { IncidentView } from '../../api/types';

export interface Choice {
  key: string;
  /** As it is sent; null lets the engine take the best candidate's fix, values and all. */
  action: string | null;
  title: string;
  detail: string;
}

/** The actions that exist. Whether one can run on the target is found out when it is asked for. */
const VERBS: Record<string, string> = {
  'service.restart': 'Restart',
  'infrastructure.scale': 'Scale',
  'cache.clear': 'Clear the cache of',
  'deployment.rollback': 'Roll back',
  'config.apply': 'Apply the configuration to',
  'dependency.update': 'Update the dependencies of',
  'database.failover': 'Fail over',
  'ci.rerun': 'Run the pipeline again of',
  'command.run': 'Run a command on',
  'http.call': 'Call',
};

const words = (action: string, service: string): string => `${VERBS[action] ?? action} ${service}`;

const lower = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

/** Whether anything has been tried here: then the known fix is tried again, not for the first time. */
const wasTried = (view: IncidentView, action: string): boolean => view.attempts.some((one) => one.action === action);

/** The best first; each action once. */
export function known(view: IncidentView): Choice[] {
  const { service } = view.incident;
  const out: Choice[] = [];
  const seen = new Set<string>();
  for (const match of view.decision?.candidates ?? []) {
    if (!match.action || match.rule === 'ruled_out' || seen.has(match.action)) continue;
    const what = words(match.action, service);
    out.push({
      key: match.pattern,
      action: out.length === 0 ? null : match.action,
      title: wasTried(view, match.action) ? `Try again: ${lower(what)}` : what,
      detail: `The known fix of “${match.name}”`,
    });
    seen.add(match.action);
  }
  if (!seen.has('service.restart')) {
    out.push({
      key: 'service.restart',
      action: 'service.restart',
      title: words('service.restart', service),
      detail: 'No pattern suggests it here',
    });
  }
  return out;
}

/** The rest of what exists. */
export function others(view: IncidentView): Choice[] {
  const taken = new Set((view.decision?.candidates ?? []).map((match) => match.action));
  return Object.keys(VERBS)
    .filter((action) => action !== 'service.restart' && !taken.has(action))
    .map((action) => ({ key: action, action, title: words(action, view.incident.service), detail: action }));
}
