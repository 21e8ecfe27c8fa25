/** Small parts of made-up answers. */
export const iso = (secondsAgo) => new Date(Date.now() - secondsAgo * 1000).toISOString();

export const yes = { allowed: true, reason: null };

export const no = (reason) => ({ allowed: false, reason });

const band = (value, name, outcomes, words) => ({ value, band: name, outcomes, words });

export const LIKELY = band(0.62, 'likely', 23, 'Likely, 0.62 from 23 outcomes');

export const SURE = band(0.91, 'very_likely', 41, 'Very likely, 0.91 from 41 outcomes');

export const NEW = band(0.5, 'too_new', 2, 'Too new to score (2 outcomes)');
