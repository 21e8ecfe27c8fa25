/** One function per endpoint: the only place that knows paths. */
import { client } from './client';
import { unwrap } from './problem';
import type { AuditPage, AutomationView, Group, IncidentPage, IncidentView, Overview, Posture, RejectReason } from './types';

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

export const resolve = (id: string, comment: string): Promise<IncidentView> =>
  unwrap(client.POST('/api/v1/incidents/{id}/resolve', { params: at(id), body: { comment } }));

export const addNote = (id: string, text: string): Promise<IncidentView> =>
  unwrap(client.POST('/api/v1/incidents/{id}/note', { params: at(id), body: { text } }));

export const setAutomation = (posture: Posture, minutes: number | null, reason: string | null): Promise<AutomationView> =>
  unwrap(client.PUT('/api/v1/automation', { body: { posture, minutes, reason } }));

export const getAudit = (incident: string, limit: number): Promise<AuditPage> =>
  unwrap(client.GET('/api/v1/audit', { params: { query: { incident, limit } } }));

export const startDemo = (name: string): Promise<Overview> =>
  unwrap(client.POST('/api/v1/demo/{name}', { params: { path: { name } } }));
