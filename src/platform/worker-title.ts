/** How the title of a worker process begins; its number follows. What looks for workers of a dead rigil goes by it. */
export const WORKER_TITLE = 'rigil: worker';
