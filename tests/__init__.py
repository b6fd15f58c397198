import os

# As in the sandbox: of several threads of NumPy's algebra some wait busily where other tests have
# the cores, which takes twenty times the processor time. It reads this when it is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
