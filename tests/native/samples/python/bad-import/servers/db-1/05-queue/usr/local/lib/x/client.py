import sys
import os

print(sys.argv)
