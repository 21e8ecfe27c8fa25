/** One function per endpoint: the only place that knows paths. */
import { client } from './client';
import { unwrap } from './problem';
import type {
  AuditPage,
  AutomationView,
  ChainView,
  Group,
  IncidentPage,
  IncidentView,
  MaintenancePage,
  Overview,
  Posture,
  QueueView,
  RejectReason,
} from './types';

const at = (id: string) => ({ path: { id } });

// Endpoints that take an empty object: `never` fits whether or not the schema declares a body.
const nothing = {} as never;

export const getOverview = (): Promise<Overview> => unwrap(client.GET('/api/v1/overview'));

export interface IncidentQuery {
  group?: Group;
  q?: string;
  limit?: number;
  after?: string;
}

export const listIncidents = (query: IncidentQuery): Promise<IncidentPage> =>
  unwrap(client.GET('/api/v1/incidents', { params: { query } }));

export const getIncident = (id: string): Promise<IncidentView> =>
  unwrap(client.GET('/api/v1/incidents/{id}', { params: at(id) }));

export const approve = (id: string, planHash: string, typedTarget: string | null): Promise<IncidentView> =>
  unwrap(
    client.POST('/api/v1/incidents/{id}/approve', {
      params: at(id),
      body: { plan_hash: planHash, typed_target: typedTarget },
    }),
  );

export const reject = (id: string, planHash: string, reason: RejectReason, comment: string | null): Promise<IncidentView> =>
  unwrap(client.POST('/api/v1/incidents/{id}/reject', { params: at(id), body: { plan_hash: planHash, reason, comment } }));

export const acknowledge = (id: string): Promise<IncidentView> =>
  unwrap(client.POST('/api/v1/incidents/{id}/acknowledge', { params: at(id), body: nothing }));

export const wake = (id: string): Promise<IncidentView> =>
  unwrap(client.POST('/api/v1/incidents/{id}/wake', { params: at(id), body: nothing }));

export const snooze = (id: string, minutes: number): Promise<IncidentView> =>
  unwrap(client.POST('/api/v1/incidents/{id}/snooze', { params: at(id), body: { minutes } }));

export const escalate = (id: string, comment: string): Promise<IncidentView> =>
  unwrap(client.POST('/api/v1/incidents/{id}/escalate', { params: at(id), body: { comment } }));

/** `didTheSame`: whether it was fixed by what Selfheal would have done; null where that is not said. */
export const resolve = (id: string, comment: string, didTheSame: boolean | null): Promise<IncidentView> =>
  unwrap(client.POST('/api/v1/incidents/{id}/resolve', { params: at(id), body: { comment, did_the_same: didTheSame } }));

/** `action` null: the best candidate's fix. `service` null: the incident's own. */
export const choose = (id: string, action: string | null, service: string | null): Promise<IncidentView> =>
  unwrap(client.POST('/api/v1/incidents/{id}/choose', { params: at(id), body: { action, parameters: {}, service } }));

/** All parameters of the plan, changed or not: what is left out falls back to its default. */
export const editPlan = (id: string, planHash: string, parameters: Record<string, string>): Promise<IncidentView> =>
  unwrap(client.POST('/api/v1/incidents/{id}/edit', { params: at(id), body: { plan_hash: planHash, parameters } }));

export const addNote = (id: string, text: string): Promise<IncidentView> =>
  unwrap(client.POST('/api/v1/incidents/{id}/note', { params: at(id), body: { text } }));

export const setAutomation = (posture: Posture, minutes: number | null, reason: string | null): Promise<AutomationView> =>
  unwrap(client.PUT('/api/v1/automation', { body: { posture, minutes, reason } }));

export interface AuditQuery {
  incident?: string;
  limit?: number;
  before?: string;
}

export const listAudit = (query: AuditQuery): Promise<AuditPage> =>
  unwrap(client.GET('/api/v1/audit', { params: { query } }));

/** Checks the whole chain, which takes as long as it is. */
export const verifyAudit = (): Promise<ChainView> => unwrap(client.GET('/api/v1/audit/verify'));

export const getQueue = (): Promise<QueueView> => unwrap(client.GET('/api/v1/queue'));

export const getMaintenance = (): Promise<MaintenancePage> => unwrap(client.GET('/api/v1/maintenance'));

/** All services where `service` is null; from now on where `startsAt` is. */
export const announceMaintenance = (
  service: string | null,
  minutes: number,
  startsAt: string | null,
  reason: string | null,
): Promise<MaintenancePage> =>
  unwrap(client.POST('/api/v1/maintenance', { body: { service, minutes, starts_at: startsAt, reason } }));

export const endMaintenance = (id: string): Promise<MaintenancePage> =>
  unwrap(client.DELETE('/api/v1/maintenance/{id}', { params: at(id) }));

export const startDemo = (name: string): Promise<Overview> =>
  unwrap(client.POST('/api/v1/demo/{name}', { params: { path: { name } } }));
