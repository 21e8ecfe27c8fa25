/** Turns whatever went wrong into the one shape the window shows: what, why, what next, and a code to copy. */
import type { Problem, Whole } from './types';

export class ApiError extends Error {
  override readonly name = 'ApiError';
  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    super(problem.what);
  }
}

function isProblem(value: unknown): value is Problem {
  if (typeof value !== 'object' || value === null) return false;
  const fields = value as Record<string, unknown>;
  return ['code', 'what', 'why', 'next'].every((name) => typeof fields[name] === 'string');
}

/** The engine's own words where it sent some; otherwise ours, by status. */
export function problemFor(status: number, body: unknown): Problem {
  if (isProblem(body)) return body;
  return {
    code: `http_${status}`,
    what: 'The engine refused this request.',
    why: `It answered with status ${status} and no explanation.`,
    next: 'Try again; if it stays, look in the engine log for this status.',
  };
}

/** For `catch`: anything that is not an answer of the engine means that it was not reached. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ApiError) return error.problem;
  return {
    code: 'unreachable',
    what: 'The engine did not answer.',
    why: error instanceof Error && error.message ? error.message : 'The connection failed.',
    next: 'Check that Selfheal is running; the window reconnects by itself.',
  };
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The body of a good answer; throws `ApiError` for any other. */
export async function unwrap<T>(pending: Promise<Answer<T>>): Promise<Whole<T>> {
  const { data, error, response } = await pending;
  if (!response.ok) throw new ApiError(response.status, problemFor(response.status, error));
  return data as Whole<T>;
}
