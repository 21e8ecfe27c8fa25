/**
 * SvelteKit 3 declares Node 22; what its build uses beyond Node 20 is `Promise.withResolvers` alone.
 * Import before a build starts. Does nothing where the method exists.
 */
interface Resolvers {
  promise: Promise<unknown>;
  resolve: (value?: unknown) => void;
  reject: (reason?: unknown) => void;
}

const target = Promise as unknown as { withResolvers?: () => Resolvers };

target.withResolvers ??= () => {
  const made = {} as Resolvers;
  made.promise = new Promise((resolve, reject) => {
    made.resolve = resolve;
    made.reject = reject;
  });
  return made;
};
