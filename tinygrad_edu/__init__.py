from tinygrad_edu.ops import *
from tinygrad_edu.value import Value, no_grad
